// SPDX-License-Identifier: Apache-2.0

/// Where the objects of one volume come from: its `info`, its chunks, its shards.
package protocol Origin: Sendable {
    /// The folder or the URL for messages, without credentials and without a URL's query, which may hold some.
    var name: String { get }

    /// Reads the object under `key` as it is stored, packed or not.
    ///
    /// - Parameters:
    ///   - key: Segments with "/" between them, from the volume's root: `info`, `8_8_40/0-64_0-64_0-64`. "." and ".."
    ///     are resolved by their text alone. What begins with ".." is read below the folder that this leads to.
    ///   - limit: How many bytes are taken at most, packed or not.
    /// - Returns: The object; nil when it is not there.
    /// - Throws: ``OriginError``. A source that fails never looks like one that has no such object.
    func object(_ key: String, limit: Int) async throws(OriginError) -> StoredObject?

    /// Sees whether there could be an object under `key`, without asking for it.
    /// - Throws: ``OriginError/brokenKey(_:reason:)``, as all others here do for such a key.
    func check(_ key: String) throws(OriginError)

    /// Reads exactly the bytes `range` of the object under `key`, never packed.
    ///
    /// - Parameters:
    ///   - key: As in ``object(_:limit:)``.
    ///   - range: Not empty, not negative. Memory for all of it is taken: whoever reads the numbers from a shard's
    ///     index bounds them.
    /// - Returns: The bytes, and the version of the whole object; nil when the object is not there.
    /// - Throws: ``OriginError/tooShort(place:wanted:bytes:)`` for a range beyond the end, and as above.
    func range(_ key: String, _ range: Range<Int>) async throws(OriginError) -> StoredObject?

    /// Whether ``readyObject(_:into:by:)`` may find something; false where everything is behind a network.
    var hasReadyObjects: Bool { get }

    /// Reads the object under `key` as it is stored, if the system has it in memory: for work on a lane, which a few
    /// system calls do not hold up and a disk would.
    ///
    /// - Parameters:
    ///   - key: As in ``object(_:limit:)``.
    ///   - memory: Where its bytes go; without meaning beyond those that were read.
    ///   - way: What is open of the way to the object before, so that many of one folder cost one way. A new one for
    ///     every piece of work: it does not see that a folder was replaced.
    /// - Returns: How many bytes there are, or why there are none. Failures are no errors here: they are ``ReadyObject/notReady``.
    func readyObject(
        _ key: String,
        into memory: UnsafeMutableRawBufferPointer,
        by way: inout ReadyWay
    ) -> ReadyObject
}
