// SPDX-License-Identifier: Apache-2.0
import Configuration
import Foundation
import Testing

private func shippedFile() throws -> [UInt8] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: root.appending(path: "config/pyramidion.yaml")))
}

@Test("The shipped file sets every key to its default")
func shippedFileIsTheDefaults() throws {
    let file = (path: "config/pyramidion.yaml", bytes: try shippedFile())
    var shipped = try Configuration.merged(file: file, environment: [:], flags: [])
    shipped.places = [:]
    #expect(shipped == Configuration())
}

@Test("The shipped file names every key that exists", arguments: Configuration.keyPaths)
func shippedFileIsComplete(path: String) throws {
    let lines = String(decoding: try shippedFile(), as: UTF8.self).split(separator: "\n")
    let key = path.split(separator: ".").last.map(String.init) ?? path
    let indent = path.contains(".") ? "  " : ""
    #expect(lines.contains { $0.hasPrefix("\(indent)\(key):") })
}
