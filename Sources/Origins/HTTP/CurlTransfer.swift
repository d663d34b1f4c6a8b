// SPDX-License-Identifier: Apache-2.0
//
// Rules of this file
// 1. The easy handle, its error text and its list of fields live as long as the object, which its owner keeps until the
//    handle has been taken out of the multi handle. So callbacks, which come only from within libcurl's calls on the
//    loop, never find a dead one.
// 2. A body is taken only under a status that it is wanted for, and never past its limit, declared or not.
import CCurl

/// One request under way: an easy handle of libcurl, and what has come so far. Not Sendable: it lives on the client's loop.
final class CurlTransfer {
    /// How much of an answer that is of no use is read, so that its connection can be used again.
    private static let discardLimit = 64 << 10
    /// How much memory is taken on a server's word that so much will come.
    private static let reserveLimit = 64 << 20

    let easy: UnsafeMutableRawPointer
    let request: HTTPRequest
    private let errorText: UnsafeMutablePointer<CChar>
    private var fieldList: UnsafeMutablePointer<curl_slist>?
    private var head = ResponseHead()
    private var body: [UInt8] = []
    private var discarded = 0
    /// How many bytes of the body are taken; nil: the body is of no use.
    private var bodyLimit: Int?
    /// Why we cut it short.
    private var refusal: OriginError?

    /// Makes a handle that is ready to be added; nil when libcurl has no memory for it or refuses an option.
    init?(_ request: HTTPRequest, _ configuration: HTTPClientConfiguration) {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = easy
        self.request = request
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        guard configure(configuration) else { return nil }
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(fieldList)
        errorText.deallocate()
    }

    private func configure(_ configuration: HTTPClientConfiguration) -> Bool {
        let address = request.address
        let isSecure = address.scheme == "https"
        let object = Unmanaged.passUnretained(self).toOpaque()
        var isFine = true
        func set(_ option: CURLoption, _ value: Int) {
            isFine = isFine && pyramidion_curl_set_long(easy, option, value) == CURLE_OK
        }
        func set(_ option: CURLoption, _ text: String) {
            isFine = isFine && pyramidion_curl_set_text(easy, option, text) == CURLE_OK
        }
        func set(_ option: CURLoption, _ pointer: UnsafeMutableRawPointer) {
            isFine = isFine && pyramidion_curl_set_pointer(easy, option, pointer) == CURLE_OK
        }
        set(CURLOPT_URL, address.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        if request.needsFreshConnection { set(CURLOPT_FRESH_CONNECT, 1) }
        // Redirects are followed by the client itself, which looks at each: libcurl's rules do not know that https must
        // never become http again.
        set(CURLOPT_FOLLOWLOCATION, 0)
        if let credentials = address.credentials {
            set(CURLOPT_USERNAME, credentials.user)
            set(CURLOPT_PASSWORD, credentials.password)
        }
        // Without signals, which belong to the whole process. A name look-up has a thread; nobody waits for it when its
        // request has ended.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_USERAGENT, configuration.userAgent)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        // Only TLS can lead to HTTP/2, for which it is worth to wait whether one connection carries all requests.
        set(CURLOPT_PIPEWAIT, isSecure ? 1 : 0)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let file = configuration.certificatesFile { set(CURLOPT_CAINFO, file) }
        set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(configuration.connectTimeout))
        set(CURLOPT_TIMEOUT_MS, Self.milliseconds(configuration.totalTimeout))
        set(CURLOPT_LOW_SPEED_LIMIT, max(0, configuration.slowBytesPerSecond))
        set(CURLOPT_LOW_SPEED_TIME, (Self.milliseconds(configuration.slowTime) + 999) / 1000)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Bodies are passed on as they are packed. Proxies are libcurl's default: what http_proxy, https_proxy and
        // no_proxy say.
        set(CURLOPT_HTTP_CONTENT_DECODING, 0)
        if let range = request.range { set(CURLOPT_RANGE, "\(range.lowerBound)-\(range.upperBound - 1)") }
        fieldList = curl_slist_append(nil, "Accept-Encoding: \(request.range == nil ? "gzip" : "identity")")
        isFine = isFine && fieldList != nil
        isFine = isFine && pyramidion_curl_set_list(easy, CURLOPT_HTTPHEADER, fieldList) == CURLE_OK
        set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        set(CURLOPT_HEADERDATA, object)
        set(CURLOPT_WRITEDATA, object)
        return isFine
            && pyramidion_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION, lineReceived) == CURLE_OK
            && pyramidion_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION, bodyReceived) == CURLE_OK
    }

    // MARK: From libcurl's callbacks

    /// - Returns: Whether to go on.
    fileprivate func received(line: UnsafeBufferPointer<UInt8>) -> Bool {
        let wasComplete = head.isComplete
        guard head.received(line.span) else {
            refusal = .brokenAnswer(
                place: request.place,
                reason: "its head has more than \(ResponseHead.byteLimit) bytes"
            )
            return false
        }
        guard head.isComplete, !wasComplete else { return true }
        switch (head.status, request.range) {
        case (200, nil), (200, _?): bodyLimit = request.limit
        case (206, let range?): bodyLimit = range.count
        default: bodyLimit = nil
        }
        guard let bodyLimit, let declared = head.fields.contentLength else { return true }
        guard declared <= bodyLimit else { return refuseLength() }
        body.reserveCapacity(min(max(0, declared), Self.reserveLimit))
        return true
    }

    /// - Returns: Whether to go on.
    fileprivate func received(body bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let bodyLimit else {
            discarded += bytes.count
            return discarded <= Self.discardLimit
        }
        guard bytes.count <= bodyLimit - body.count else { return refuseLength() }
        body.append(contentsOf: bytes)
        return true
    }

    private func refuseLength() -> Bool {
        if head.status == 206 {
            refusal = .brokenAnswer(
                place: request.place,
                reason: "it has more bytes than the range that was asked for"
            )
        } else {
            refusal = .tooLarge(place: request.place, limit: request.limit)
        }
        return false
    }

    // MARK: The end

    /// What came of it, once libcurl says that it is done.
    func outcome(_ code: CURLcode) -> Result<HTTPAnswer, TransferFailure> {
        if let refusal { return .failure(TransferFailure(error: refusal, mayRetry: false)) }
        // The status of an answer whose body is of no use counts, however the body ended.
        let isDiscarded = head.isComplete && bodyLimit == nil
        guard code == CURLE_OK || isDiscarded else { return .failure(failure(code)) }
        guard head.isComplete else {
            let error = OriginError.brokenAnswer(place: request.place, reason: "it has no head")
            return .failure(TransferFailure(error: error, mayRetry: true))
        }
        var retryAfter: curl_off_t = 0
        _ = pyramidion_curl_get_offset(easy, CURLINFO_RETRY_AFTER, &retryAfter)
        var redirect: UnsafeMutablePointer<CChar>?
        _ = pyramidion_curl_get_text(easy, CURLINFO_REDIRECT_URL, &redirect)
        return .success(
            HTTPAnswer(
                status: head.status,
                fields: head.fields,
                bytes: body,
                retryAfter: max(0, Int(retryAfter)),
                redirect: redirect.map { String(cString: $0) }
            )
        )
    }

    private func failure(_ code: CURLcode) -> TransferFailure {
        let place = request.place
        let detail = String(cString: errorText)
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return TransferFailure(error: .timedOut(place: place, reason: reason), mayRetry: true)
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_SEND_ERROR,
            CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM,
            CURLE_SSL_CONNECT_ERROR:
            return TransferFailure(error: .unreachable(place: place, reason: reason), mayRetry: true)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            // On a connection that was used before, what is no HTTP may be the surplus of the answer before. libcurl
            // looks for it when that answer ends, and what comes later it takes for the start of the next.
            let mayRetry = wasReused
            return TransferFailure(
                error: .brokenAnswer(place: place, reason: reason),
                mayRetry: mayRetry,
                needsFreshConnection: mayRetry
            )
        case CURLE_BAD_CONTENT_ENCODING:
            return TransferFailure(error: .brokenAnswer(place: place, reason: reason), mayRetry: false)
        default:
            return TransferFailure(error: .unreachable(place: place, reason: reason), mayRetry: false)
        }
    }

    /// Whether the request went over a connection that was there before it.
    private var wasReused: Bool {
        var opened = 0
        return pyramidion_curl_get_long(easy, CURLINFO_NUM_CONNECTS, &opened) == CURLE_OK && opened == 0
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        // At least 1: to libcurl 0 means without end. At most a day, which no time limit here passes.
        return max(1, Int(min(max(seconds, 0), 86_400)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

/// The transfer behind a callback's last argument.
private func transfer(_ data: UnsafeMutableRawPointer?) -> CurlTransfer? {
    data.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
}

/// The bytes of a callback; `size` is 1 by libcurl's word.
private func bytes(_ start: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int) -> UnsafeBufferPointer<
    UInt8
> {
    let raw = UnsafeRawBufferPointer(start: start, count: size * count)
    return raw.bindMemory(to: UInt8.self)
}

private func lineReceived(
    _ start: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    // Anything but the number of bytes ends the transfer.
    transfer(data)?.received(line: bytes(start, size, count)) == true ? size * count : -1
}

private func bodyReceived(
    _ start: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ data: UnsafeMutableRawPointer?
) -> Int {
    transfer(data)?.received(body: bytes(start, size, count)) == true ? size * count : -1
}
