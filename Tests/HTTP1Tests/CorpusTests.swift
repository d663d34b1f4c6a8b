// SPDX-License-Identifier: Apache-2.0

import HTTP1
import Testing

@Suite("Corpus")
struct CorpusTests {
    private static let nextRequest = Array("GET /next HTTP/1.1\r\nHost: n\r\n\r\n".utf8)
    private static let nextLines = ["head GET /next 1.1 host=n body=none keep-alive", "end"]

    @Test("The corpus is there")
    func corpusIsThere() {
        #expect(CorpusCase.all.count > 150)
    }

    @Test("A request reads as its corpus says, whole", arguments: CorpusCase.all)
    func whole(_ sample: CorpusCase) {
        expect(Transcript([sample.input[...]]), sample)
    }

    @Test("A request reads the same when cut at each byte", arguments: CorpusCase.all)
    func cutAtEachByte(_ sample: CorpusCase) {
        let whole = Transcript([sample.input[...]])
        for cut in 0...sample.input.count {
            let parts = Transcript([sample.input[..<cut], sample.input[cut...]])
            #expect(parts == whole, "cut at byte \(cut)")
        }
    }

    @Test("A request reads the same byte by byte", arguments: CorpusCase.all)
    func byteByByte(_ sample: CorpusCase) {
        let bytes = sample.input.indices.map { sample.input[$0...$0] }
        #expect(Transcript(bytes) == Transcript([sample.input[...]]))
    }

    @Test("A body that is read past the parser reads the same", arguments: CorpusCase.all)
    func direct(_ sample: CorpusCase) {
        let whole = Transcript([sample.input[...]])
        #expect(Transcript([sample.input[...]], direct: true) == whole)
        #expect(Transcript(sample.input.indices.map { sample.input[$0...$0] }, direct: true) == whole)
    }

    @Test("A pipelined request behind a good one is read, behind a bad one is not", arguments: CorpusCase.all)
    func pipelined(_ sample: CorpusCase) {
        let alone = Transcript([sample.input[...]])
        let both = Transcript([(sample.input + Self.nextRequest)[...]])
        if alone.failure != nil {
            #expect(both == alone)
        } else if alone.lines.last == "end" {
            #expect(both.lines == alone.lines + Self.nextLines)
        }
    }

    /// An expected `failed` line may give the beginning of the detail only, up to `…`.
    private func expect(_ transcript: Transcript, _ sample: CorpusCase) {
        #expect(transcript.lines.count == sample.expected.count, "got:\n\(transcript)")
        for (line, expected) in zip(transcript.lines, sample.expected) {
            if expected.hasSuffix("…") {
                #expect(line.hasPrefix(expected.dropLast()))
            } else {
                #expect(line == expected)
            }
        }
    }
}
