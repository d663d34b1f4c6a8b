// SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import PyramidService
import Testing

private let files = EmbeddedPage.files

/// The text of a file of the page.
private func text(_ path: String) -> String {
    String(decoding: files[path]?.bytes ?? [], as: UTF8.self)
}

/// What stands in quotes directly behind a word.
private func quoted(after word: String, in text: String) -> [String] {
    text.split(separator: word + "\"", omittingEmptySubsequences: false).dropFirst()
        .map { String($0.prefix { $0 != "\"" }) }
}

@Test("The document and all it loads are in the program")
func complete() {
    #expect(files["/"]?.type == "text/html; charset=utf-8")
    let document = text("/")
    let loaded = quoted(after: "src=", in: document) + quoted(after: "href=", in: document)
    #expect(loaded.contains("page/main.mjs") && loaded.contains("page/style.css"))
    for address in loaded where !address.hasPrefix("#") { #expect(files["/" + address] != nil, "\(address)") }
    for (path, file) in files where path.hasSuffix(".mjs") {
        #expect(file.type == "text/javascript; charset=utf-8")
        for module in quoted(after: " from ", in: text(path)) {
            #expect(
                module.hasPrefix("./") && files["/page/" + module.dropFirst(2)] != nil,
                "\(path): \(module)"
            )
        }
    }
}

@Test("Nothing of the page is there for nothing, and all of it is small")
func small() {
    let all = files.keys.map(text).joined()
    for path in files.keys where path != "/" {
        let name = path.dropFirst("/page/".count)
        #expect(all.contains("/\(name)\""), "\(name) is loaded by nothing")
    }
    #expect(files.values.allSatisfy { !$0.bytes.isEmpty })
    #expect(files.values.reduce(0) { $0 + $1.bytes.count } < 120_000)
}

@Test("No file names another host, and none makes markup of text")
func selfContained() {
    for path in files.keys {
        let text = text(path)
        let addresses =
            text.split(separator: "https://").dropFirst() + text.split(separator: "http://").dropFirst()
        // The namespace of SVG is a name that nobody asks for.
        #expect(addresses.allSatisfy { $0.hasPrefix("www.w3.org/2000/svg") }, "\(path)")
        #expect(!text.contains("innerHTML") && !text.contains("eval("), "\(path)")
        #expect(!text.contains(" style=") && !text.contains(" onclick=\""), "\(path): the policy forbids it")
    }
}

@Test("A tag follows the bytes alone")
func tags() {
    let file = PageFile(type: "text/css", bytes: Array("a".utf8))
    // FNV-1a of "a", from the list that its authors published.
    #expect(file.etag == "\"af63dc4c8601ec8c\"")
    #expect(PageFile(type: "image/svg+xml", bytes: Array("a".utf8)).etag == file.etag)
    #expect(PageFile(type: "text/css", bytes: Array("b".utf8)).etag != file.etag)
    #expect(PageFile(type: "text/css", bytes: []).etag == "\"cbf29ce484222325\"")
}

@Test("The policy allows nothing that is not named, and no code of others")
func policy() {
    let policy = EmbeddedPage.contentSecurityPolicy
    #expect(policy.hasPrefix("default-src 'none'; "))
    #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("http"))
    let fields = EmbeddedPage.securityFields
    for name in ["Content-Security-Policy", "Referrer-Policy", "X-Frame-Options", "Permissions-Policy"] {
        #expect(HTTPField.Name(name).flatMap { fields[$0] } != nil, "\(name)")
    }
}
