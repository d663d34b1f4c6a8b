// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// One case of `Corpus/*.md`: a heading, a block of bytes, a block of expected events.
struct CorpusCase: Sendable, CustomTestStringConvertible {
    let file: String
    let title: String
    let input: [UInt8]
    let expected: [String]

    var testDescription: String { "\(file): \(title)" }

    /// All cases of all files.
    ///
    /// In an `http` block each line end stands for CRLF, unless the line ends in a backslash: then for nothing.
    /// `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` stand for those bytes.
    static let all: [CorpusCase] = {
        guard let folder = Bundle.module.url(forResource: "Corpus", withExtension: nil),
            let files = try? FileManager.default.contentsOfDirectory(
                at: folder,
                includingPropertiesForKeys: nil
            )
        else { return [] }
        return files.filter { $0.pathExtension == "md" }.sorted { $0.path < $1.path }.flatMap(read)
    }()

    private static func read(_ url: URL) -> [CorpusCase] {
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
        var cases: [CorpusCase] = []
        var title = ""
        var fence = ""
        var block: [String] = []
        var input: [UInt8] = []
        for line in text.components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                if fence.isEmpty {
                    fence = String(line.dropFirst(3))
                    block = []
                } else {
                    if fence == "http" { input = bytes(block) }
                    if fence == "log" {
                        cases.append(
                            CorpusCase(
                                file: url.lastPathComponent,
                                title: title,
                                input: input,
                                expected: block
                            )
                        )
                    }
                    fence = ""
                }
            } else if !fence.isEmpty {
                block.append(line)
            } else if line.hasPrefix("## ") {
                title = String(line.dropFirst(3))
            }
        }
        return cases
    }

    private static func bytes(_ lines: [String]) -> [UInt8] {
        var output: [UInt8] = []
        for line in lines {
            var rest = Array(line.utf8)[...]
            var joins = false
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "\\") else {
                    output.append(byte)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "r"): output.append(0x0D)
                case UInt8(ascii: "n"): output.append(0x0A)
                case UInt8(ascii: "t"): output.append(0x09)
                case UInt8(ascii: "0"): output.append(0)
                case UInt8(ascii: "x"):
                    let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                    rest = rest.dropFirst(2)
                    output.append(UInt8(digits, radix: 16) ?? 0)
                case nil: joins = true
                case .some(let other): output.append(other)
                }
            }
            if !joins { output += [0x0D, 0x0A] }
        }
        return output
    }
}
