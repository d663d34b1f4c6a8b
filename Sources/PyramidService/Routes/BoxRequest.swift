// SPDX-License-Identifier: Apache-2.0
import Configuration
import HTTPServer
import Volumes
import Voxels

/// What cutouts and pictures begin with: a query about a volume, a level of it, and voxels that hold memory of the boxes'
/// budget.
struct BoxRequest {
    let context: ServiceContext
    let transaction: Transaction
    let volume: ServedVolume
    let query: QueryParameters

    /// - Parameters:
    ///   - context: What all requests share.
    ///   - transaction: The request.
    ///   - volume: What it is about.
    ///   - parameters: What the query may have.
    /// - Throws: ``ServiceError/parameter(_:_:)`` for any other.
    init(
        _ context: ServiceContext,
        _ transaction: Transaction,
        _ volume: ServedVolume,
        _ parameters: [String]
    ) throws {
        self.context = context
        self.transaction = transaction
        self.volume = volume
        query = try QueryParameters(transaction.exchange.head)
        try query.allowOnly(parameters)
    }

    /// The level that the parameter `mip` names; nil without one.
    /// - Throws: ``ServiceError/parameter(_:_:)`` for a level that is not there.
    func namedLevel() throws(ServiceError) -> ServedLevel? {
        guard let text = query["mip"] else { return nil }
        guard let mip = WholeNumber.parse(text[...]), volume.levels.indices.contains(mip) else {
            throw .parameter(
                "mip",
                "it cannot be \(shortened(text)); this volume has 0 to \(volume.levels.count - 1)."
            )
        }
        return volume.levels[mip]
    }

    /// Bytes of the voxels of a box, all channels; `Int.max` for more than that.
    func byteCount(_ box: Box3) -> Int {
        (box.extent.product ?? .max).multipliedClamped(by: volume.info.voxelBytes)
    }

    /// The voxels of a box of a level.
    func voxels(_ level: ServedLevel, _ box: Box3) async throws -> BoxVoxels {
        try await context.sidecar.supply.voxels(volume, level.index, box)
    }

    /// Does `work` while so many bytes are set aside for it.
    /// - Throws: What `work` throws, and ``ServiceError/overloaded(limit:_:)`` when there is no room for it in time.
    func holding(_ byteCount: Int, _ work: () async throws -> Void) async throws {
        let boxes = context.sidecar.boxes
        try await boxes.enter(price: byteCount, for: .box)
        defer { boxes.leave(price: byteCount) }
        try await work()
    }
}
