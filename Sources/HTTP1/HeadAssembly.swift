// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Collects the lines of one request head and decides its framing.
///
/// Rules (RFC 9112 §3, §5, §6; RFC 9110 §7.2, §10.1.1), strict wherever there is a choice:
///  1. Exactly one `Host` from HTTP/1.1 on, at most one before; its value is a host. An absolute-form target's
///     authority wins over it.
///  2. `Content-Length`: one field, `1*DIGIT`, below 2^63. `Transfer-Encoding`: in sum exactly `chunked`, padded
///     by spaces at most. Never both. Not chunked in HTTP/1.0. Neither: no body.
///  3. `Connection` is a list over all its lines; `close` wins. HTTP/1.0 closes unless it says `keep-alive`.
///  4. `Expect` is a list over all its lines; anything but `100-continue` is an error. HTTP/1.0 cannot expect.
struct HeadAssembly {
    private let limits: HTTP1Limits
    private var method: HTTPRequest.Method = .get
    private var target = RequestTarget(form: .origin, path: "/", query: nil)
    private var authority: String?
    private var minorVersion = 1
    private var fields = HTTPFields()
    private var host: String?
    private var contentLength: Int?
    private var codings = TransferCodings()
    private var hasTransferEncoding = false
    private var saysClose = false
    private var saysKeepAlive = false
    private var expectation: String?
    private var expectsContinue = false

    init(limits: HTTP1Limits) {
        self.limits = limits
    }

    /// Reads `METHOD SP target SP HTTP/1.x`, without its CRLF.
    mutating func requestLine(_ line: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard let methodEnd = line.firstIndex(of: 0x20, from: 0) else {
            throw .malformedRequestLine("The line \(ProtocolError.quoted(line)) has no spaces.")
        }
        guard let targetEnd = line.firstIndex(of: 0x20, from: methodEnd + 1) else {
            throw .malformedRequestLine("The request line has no version: HTTP/0.9 is not served.")
        }
        let methodBytes = line.slice(0..<methodEnd)
        guard methodEnd > 0, methodBytes.allSatisfy({ ByteSet.token.contains($0) }) else {
            throw .malformedRequestLine("The method \(ProtocolError.quoted(methodBytes)) is no token.")
        }
        guard targetEnd > methodEnd + 1 else {
            throw .malformedRequestLine("More than one space stands behind the method.")
        }
        try version(line.dropping(targetEnd + 1))
        guard let method = KnownMethod.match(methodBytes) else {
            throw .unknownMethod(ProtocolError.quoted(methodBytes))
        }
        self.method = method
        let targetBytes = line.slice(methodEnd + 1..<targetEnd)
        guard targetBytes.count <= limits.targetBytes else {
            throw .targetTooLong(limit: limits.targetBytes)
        }
        (target, authority) = try TargetParser.parse(targetBytes, method: method)
    }

    /// `HTTP/` digit `.` digit, nothing else.
    private mutating func version(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        let name: StaticString = "HTTP/"
        guard bytes.count == 8, (0..<5).allSatisfy({ bytes[$0] == name.utf8Start[$0] }),
            isDigit(bytes[5]), bytes[6] == UInt8(ascii: "."), isDigit(bytes[7])
        else {
            throw .malformedRequestLine("\(ProtocolError.quoted(bytes)) is not an HTTP version.")
        }
        guard bytes[5] == UInt8(ascii: "1") else { throw .unsupportedVersion(ProtocolError.quoted(bytes)) }
        minorVersion = bytes[7] == UInt8(ascii: "0") ? 0 : 1
    }

    mutating func fieldLine(_ line: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard fields.count < limits.fieldCount else {
            throw .tooManyFields(limit: limits.fieldCount, .header)
        }
        let field = try FieldLine(line, part: .header)
        guard let (name, role) = FieldName.match(field.name) else {
            throw .malformedField("The name in \(ProtocolError.quoted(line)) is no token.", .header)
        }
        if fields.isEmpty { fields.reserveCapacity(8) }
        if field.value.isASCII {
            // Text of ASCII is taken over by HTTPTypes at a third of the cost of bytes.
            let text = String(decoding: field.value, as: UTF8.self)
            if role == .host { try hostField(field.value, text) }
            fields.append(HTTPField(name: name, value: text))
        } else {
            if role == .host { throw .malformedHost(ProtocolError.quoted(field.value)) }
            fields.append(HTTPField(name: name, value: field.value))
        }
        switch role {
        case .other, .host: break
        case .contentLength: try contentLengthField(field.value)
        case .transferEncoding:
            hasTransferEncoding = true
            try codings.add(line.dropping(field.name.count + 1))
        case .connection: connectionField(field.value)
        case .expect: expectField(field.value)
        }
    }

    /// `text` is the same as `value`.
    private mutating func hostField(_ value: UnsafeRawBufferPointer, _ text: String) throws(ProtocolError) {
        guard host == nil else { throw .repeatedHost }
        guard HostAuthority.isValid(value) else { throw .malformedHost(ProtocolError.quoted(value)) }
        host = text
    }

    private mutating func contentLengthField(_ value: UnsafeRawBufferPointer) throws(ProtocolError) {
        guard contentLength == nil else { throw .repeatedContentLength }
        var length = 0
        for byte in value {
            let digit = Int(byte) - 0x30
            let (tens, overflowTens) = length.multipliedReportingOverflow(by: 10)
            let (sum, overflowSum) = tens.addingReportingOverflow(digit)
            guard (0...9).contains(digit), !overflowTens, !overflowSum else {
                throw .malformedContentLength(ProtocolError.quoted(value))
            }
            length = sum
        }
        guard !value.isEmpty else { throw .malformedContentLength(ProtocolError.quoted(value)) }
        contentLength = length
    }

    private mutating func connectionField(_ value: UnsafeRawBufferPointer) {
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
            let option = value.slice(start..<end).trimmed
            if option.equalsIgnoringCase("close") { saysClose = true }
            if option.equalsIgnoringCase("keep-alive") { saysKeepAlive = true }
            start = end + 1
        }
    }

    private mutating func expectField(_ value: UnsafeRawBufferPointer) {
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
            let item = value.slice(start..<end).trimmed
            if item.equalsIgnoringCase("100-continue") {
                expectsContinue = true
            } else if !item.isEmpty {
                expectation = expectation ?? ProtocolError.quoted(value)
            }
            start = end + 1
        }
    }

    /// The finished head.
    mutating func finish() throws(ProtocolError) -> RequestHead {
        guard host != nil || minorVersion == 0 else { throw .missingHost }
        let framing = try framing()
        if let expectation, minorVersion > 0 { throw .unknownExpectation(expectation) }
        if case .length(let length) = framing, length > limits.bodyBytes {
            throw .bodyTooLarge(limit: limits.bodyBytes)
        }
        return RequestHead(
            method: method,
            target: target,
            minorVersion: minorVersion,
            fields: fields,
            host: authority ?? host,
            framing: framing,
            expectsContinue: expectsContinue && minorVersion > 0 && framing != .none && framing != .length(0),
            keepAlive: !saysClose && (minorVersion > 0 || saysKeepAlive)
        )
    }

    private func framing() throws(ProtocolError) -> BodyFraming {
        guard hasTransferEncoding else { return contentLength.map(BodyFraming.length) ?? .none }
        guard contentLength == nil else { throw .ambiguousFraming }
        guard minorVersion > 0 else {
            throw .malformedTransferEncoding("HTTP/1.0 has no Transfer-Encoding.")
        }
        try codings.check()
        return .chunked
    }
}
