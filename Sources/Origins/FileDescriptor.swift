// SPDX-License-Identifier: Apache-2.0
internal import CFiles
import Glibc
import UV

/// An open file or folder, closed when it goes out of scope.
///
/// Everything here blocks: for lanes, never for a loop.
struct FileDescriptor: ~Copyable {
    let raw: Int32

    /// Takes over a descriptor that nobody else closes.
    init(owning raw: Int32) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// Opens a path; nil on failure, with the reason in `errno`.
    static func opening(_ path: String, _ flags: Int32, mode: mode_t = 0) -> FileDescriptor? {
        let raw = retrying { Glibc.open(path, flags | O_CLOEXEC, mode) }
        return raw < 0 ? nil : FileDescriptor(owning: raw)
    }

    /// Opens a name in this folder; nil on failure, with the reason in `errno`.
    func opening(_ name: String, _ flags: Int32) -> FileDescriptor? {
        let raw = retrying { Glibc.openat(self.raw, name, flags | O_CLOEXEC) }
        return raw < 0 ? nil : FileDescriptor(owning: raw)
    }

    /// What the system knows about it; nil on failure, with the reason in `errno`.
    var status: stat? {
        var status = stat()
        return fstat(raw, &status) == 0 ? status : nil
    }

    /// Reads `count` bytes from `offset`, or fewer if the file ends; nil on failure, with the reason in `errno`.
    func read(_ count: Int, from offset: Int) -> [UInt8]? {
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let memory = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]
            )
            if let got = read(into: memory, at: offset) { filled = got } else { isWhole = false }
        }
        return isWhole ? bytes : nil
    }

    /// Fills `memory` from the file's begin with what the system has in memory; false when that is not all of it, or
    /// on failure, with the reason in `errno` (0: the file is shorter). C function: `preadv2` with `RWF_NOWAIT`.
    func readNow(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
        var filled = 0
        while filled < memory.count {
            let got = retrying {
                cfiles_read_now(
                    raw,
                    memory.baseAddress?.advanced(by: filled),
                    memory.count - filled,
                    off_t(filled)
                )
            }
            if got == 0 { errno = 0 }
            guard got > 0 else { return false }
            filled += got
        }
        return true
    }

    /// The first `count` bytes, if the system has them in memory.
    func readNow(_ count: Int) -> [UInt8]? {
        var isWhole = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            isWhole = readNow(
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count])
            )
            filled = isWhole ? count : 0
        }
        return isWhole ? bytes : nil
    }

    /// Has the disk begin with what was written, without waiting for it.
    func beginSync() { cfiles_begin_sync(raw) }

    /// Whether it lies on a disk of this machine, or in its memory.
    var isLocal: Bool { cfiles_is_local(raw) != 0 }

    /// Fills `memory` from `offset` on, unless the file ends; returns how many bytes there were, nil on failure, with
    /// the reason in `errno`.
    func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int) -> Int? {
        var filled = 0
        while filled < memory.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: memory[filled...].prefix(1 << 30))
            let got = retrying { pread(raw, rest.baseAddress, rest.count, off_t(offset + filled)) }
            guard got >= 0 else { return nil }
            if got == 0 { break }
            filled += got
        }
        return filled
    }

    /// Writes all of `bytes` from `offset` on; false on failure, with the reason in `errno`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...].prefix(1 << 30))
            let count = retrying { pwrite(raw, rest.baseAddress, rest.count, off_t(offset + written)) }
            guard count >= 0 else { return false }
            written += count
        }
        return true
    }

    /// Writes all of `bytes`; false on failure, with the reason in `errno`.
    func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { all in
            var rest = all[...]
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
                let count = retrying { Glibc.write(raw, piece.baseAddress, piece.count) }
                guard count >= 0 else { return false }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}

/// Calls again what a signal interrupted.
func retrying<Value: BinaryInteger>(_ call: () -> Value) -> Value {
    while true {
        let value = call()
        guard value < 0, errno == EINTR else { return value }
    }
}

/// Words for `errno`, with the call that set it: `open: permission denied (EACCES)`.
func systemReason(_ call: String, _ code: Int32 = errno) -> String {
    UVError(code: code, call: call).description
}

extension stat {
    var isFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    var isLink: Bool { st_mode & S_IFMT == S_IFLNK }

    /// Size, time of the last change and inode: another file, or another state of it, has another of these.
    var version: String {
        "\(String(st_size, radix: 16))-\(String(st_mtim.inNanoseconds, radix: 16))-\(String(st_ino, radix: 16))"
    }
}

extension timespec {
    /// Nanoseconds since 1970; the last or first that Int64 has (the years 2262 and 1677) for times beyond.
    var inNanoseconds: Int64 {
        let (scaled, overflow) = Int64(tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(Int64(tv_nsec))
        return overflow || carry ? (tv_sec < 0 ? .min : .max) : sum
    }
}
