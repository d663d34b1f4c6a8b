// SPDX-License-Identifier: Apache-2.0
import VolumeNames

/// Why an object could not be read, kept or published.
///
/// That an object is not there is no error. `place` names the folder, file or URL, without credentials.
package enum OriginError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key is no key, or it leads out of the volume.
    case brokenKey(String, reason: String)
    /// The URL of a source is no URL that can be read from.
    case brokenURL(reason: String)
    /// No name of a volume.
    case brokenName(String)
    /// The system refused to read.
    case readFailed(place: String, reason: String)
    /// The system refused to write: a full disk, a folder that may not be written.
    case writeFailed(place: String, reason: String)
    /// A file system has less left than what was announced needs; `unit` is what of.
    case noRoom(place: String, unit: DiskUnit, needed: Int, free: Int)
    /// What is kept was begun anew by somebody else, for another state of its source.
    case replaced(place: String)
    /// There is a folder, a pipe or a device where a file is expected.
    case notAFile(place: String)
    /// The object has more bytes than are taken.
    case tooLarge(place: String, limit: Int)
    /// The object ends before the bytes that were asked for; `bytes` is what it has, if that is known.
    case tooShort(place: String, wanted: Range<Int>, bytes: Int?)
    /// No connection, or it broke.
    case unreachable(place: String, reason: String)
    /// No answer, or not all of it, in time.
    case timedOut(place: String, reason: String)
    /// The server answered with a status that is neither success nor "not there".
    case refused(place: String, status: Int)
    /// The server's answer is not what HTTP says it has to be.
    case brokenAnswer(place: String, reason: String)
    /// So many requests wait already that no more are taken; later there may be room.
    case tooManyWaiting(limit: Int)
    /// A volume of that name exists already.
    case nameTaken(String)
    /// The task that asked was cancelled.
    case cancelled
    /// What was asked has been stopped.
    case stopped

    /// Whether the same request may be answered in a while, because too much was asked for at a time.
    package var isOverload: Bool {
        if case .tooManyWaiting = self { return true }
        return false
    }

    /// Sentences for people: what was wrong, and what would be right where that helps.
    package var message: String {
        switch self {
        case .brokenKey(let key, let reason): "'\(key)' is no name of an object: \(reason)"
        case .brokenURL(let reason): "the source's URL cannot be used: \(reason)"
        case .brokenName(let name): "'\(name)' is no name of a volume: allowed is \(VolumeName.allowed)"
        case .readFailed(let place, let reason): "\(place) cannot be read: \(reason)"
        case .writeFailed(let place, let reason): "\(place) cannot be written: \(reason)"
        case .noRoom(let place, let unit, let needed, let free):
            "\(needed) more \(unit.rawValue) are needed below \(place), and there is room for \(free)"
        case .replaced(let place):
            "\(place) belongs to another state of the source or of the configuration now"
        case .notAFile(let place): "\(place) is a folder, a pipe or a device: a file is expected"
        case .tooLarge(let place, let limit):
            "\(place) has more than the \(limit) bytes that are taken at most"
        case .tooShort(let place, let wanted, let bytes):
            "\(place) has no bytes \(wanted.lowerBound) to \(wanted.upperBound - 1)"
                + (bytes.map { ": it has \($0)" } ?? "")
        case .unreachable(let place, let reason): "\(place) cannot be reached: \(reason)"
        case .timedOut(let place, let reason): "\(place) did not answer in time: \(reason)"
        case .refused(let place, let status): "\(place) was answered with status \(status)"
        case .brokenAnswer(let place, let reason): "the answer for \(place) is broken: \(reason)"
        case .tooManyWaiting(let limit): "\(limit) requests to sources wait already: try again later"
        case .nameTaken(let name): "there is a volume '\(name)' already"
        case .cancelled: "nobody waits for the object any more"
        case .stopped: "the service is stopping"
        }
    }

    /// The message, for logs.
    package var description: String { message }
}
