// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import UV

/// The file that this process writes under a temporary name, which a signal that ends the process must not leave behind.
///
/// There is one at most. Signals are answered on a thread of their own, since reading and writing block theirs; it holds
/// the lock until the process has ended, so that no file appears behind its back.
enum UnfinishedFile {
    private static let path = Mutex<String?>(nil)

    /// Returns the descriptor of a new file, -1 with `errno` if there cannot be one.
    ///
    /// `mode` is that of the file to replace; `nil`: as new files have it.
    /// - Throws: ``Failure`` when signals cannot be watched. C functions: `open`, `fchmod`.
    static func create(_ path: String, mode: mode_t?) async throws -> Int32 {
        try await watchSignals()
        return Self.path.withLock { unfinished in
            // Nobody may read in the meantime what nobody may read in the end.
            let first: mode_t = mode == nil ? 0o644 : 0o600
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, first)
            guard descriptor >= 0 else { return -1 }
            // Where the file system has no modes it keeps none.
            if let mode { fchmod(descriptor, mode) }
            unfinished = path
            return descriptor
        }
    }

    /// Gives the file its name; `false`, with `errno`, if that cannot be. C function: `rename`.
    static func rename(to name: String) -> Bool {
        path.withLock { unfinished in
            guard let path = unfinished, Glibc.rename(path, name) == 0 else { return false }
            unfinished = nil
            return true
        }
    }

    /// C function: `unlink`.
    static func remove() {
        path.withLock { unfinished in
            if let path = unfinished { unlink(path) }
            unfinished = nil
        }
    }

    /// The loop lives as long as the process. What is ignored, as behind `nohup`, stays ignored.
    private static func watchSignals() async throws {
        do {
            let actor = LoopActor(try EventLoop(name: "signals"))
            try await actor.run { actor throws(UVError) in
                for signal in ProcessSignal.allCases where !signal.isIgnored {
                    _ = try SignalWatcher(loop: actor.eventLoop, signal: signal) { end(signal) }
                }
            }
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    /// Ends the process with the code that a shell has for `signal`. C function: `_exit`.
    private static func end(_ signal: ProcessSignal) {
        path.withLock { unfinished in
            if let path = unfinished { unlink(path) }
            _exit(128 + signal.number)
        }
    }
}
