// SPDX-License-Identifier: Apache-2.0

/// Walks the rows of output slices and finds the rows of the boxes below them.
///
/// A row runs along the first axis of memory. The axes between it and the streaming axis are the slice's own.
///
/// Along every axis the last box may be clipped and all others are alike. So a row's boxes are one of few kinds: one
/// for each set of axes along which it is the last (a `mask` with a bit for each axis), and what is to be known of
/// a kind is made once.
struct RowGrid {
    let factors: [Int]
    let inSizes: [Int]
    let outSizes: [Int]
    /// Elements between neighbours along each axis of an input slice.
    let inStrides: [Int]
    let stream: Int
    /// Rows of an output slice.
    let rowCount: Int
    let inputCount: Int
    let outputCount: Int
    /// Voxels of an input slice.
    let inSliceCount: Int
    /// Whether kernels of full boxes ask for the voxels of later rows themselves; see `RowGrid+Near.swift`.
    let readsAhead: Bool
    /// The first index along each axis, made once: a chain asks for stretches every few microseconds.
    private let origin: [Int]

    init(_ stage: Stage) {
        factors = stage.factors
        inSizes = stage.inSizes
        outSizes = stage.outSizes
        stream = stage.stream
        var strides: [Int] = []
        var stride = 1
        for size in stage.inSizes {
            strides.append(stride)
            stride *= size
        }
        inStrides = strides
        rowCount = outSizes[1..<stream].reduce(1, *)
        inputCount = inSizes[0]
        outputCount = outSizes[0]
        inSliceCount = strides[stream]
        origin = stage.factors.map { _ in 0 }
        readsAhead = stage.readsAhead && (stream > 1 || stage.readsSource)
    }

    /// Calls `body` with every stretch of output rows that follow one another and whose boxes are of one kind.
    ///
    /// Covers output slices [first, first + count), in the order of memory.
    func forEachStretch(from first: Int, count: Int, _ body: (Stretch) -> Void) {
        let sliceStep = factors[stream] * inStrides[stream]
        if stream == 1 {
            let inner = min(max(outSizes[1] - 1 - first, 0), count)
            stretch(at: origin, first: first, begin: 0, lines: inner, step: sliceStep, mask: 0, body)
            stretch(
                at: origin,
                first: first + inner,
                begin: inner * sliceStep,
                lines: count - inner,
                step: sliceStep,
                mask: 2,
                body
            )
            return
        }
        let step = factors[1] * inStrides[1]
        var at = origin
        for index in 0..<count {
            at[stream] = first + index
            repeat {
                var begin = index * sliceStep
                var mask = at[stream] == outSizes[stream] - 1 ? 1 << stream : 0
                for axis in 2..<stream {
                    begin += at[axis] * factors[axis] * inStrides[axis]
                    if at[axis] == outSizes[axis] - 1 { mask |= 1 << axis }
                }
                let inner = outSizes[1] - 1
                stretch(at: at, first: 0, begin: begin, lines: inner, step: step, mask: mask, body)
                stretch(
                    at: at,
                    first: inner,
                    begin: begin + inner * step,
                    lines: 1,
                    step: step,
                    mask: mask | 2,
                    body
                )
            } while advance(&at)
        }
    }

    private func stretch(
        at: [Int],
        first: Int,
        begin: Int,
        lines: Int,
        step: Int,
        mask: Int,
        _ body: (Stretch) -> Void
    ) {
        guard lines > 0 else { return }
        body(Stretch(at: at, first: first, begin: begin, lines: lines, step: step, mask: mask))
    }

    /// The next row along the axes between the second and the stream; `false` behind the last.
    private func advance(_ at: inout [Int]) -> Bool {
        for axis in 2..<max(stream, 2) {
            at[axis] += 1
            if at[axis] < outSizes[axis] { return true }
            at[axis] = 0
        }
        return false
    }

    /// Voxels along each axis of a box of this kind.
    func extents(_ mask: Int) -> [Int] {
        factors.indices.map { axis in
            mask >> axis & 1 == 1 ? inSizes[axis] - (outSizes[axis] - 1) * factors[axis] : factors[axis]
        }
    }

    /// How many kinds there are.
    var maskCount: Int { 1 << (stream + 1) }
}

/// Output rows that follow one another along the second axis of memory, all of one kind.
struct Stretch {
    /// The rows' index along each axis but the second, where it is 0.
    let at: [Int]
    /// The first row's index along the second axis.
    let first: Int
    /// Elements from the begin of the input to the first voxel of the first row's first box.
    let begin: Int
    let lines: Int
    /// Elements between one row's boxes and the next row's.
    let step: Int
    /// A bit for each axis along which the boxes are the last; never the row's own.
    let mask: Int
}

/// The rows of one kind of box: where they begin, in the order of memory.
struct RowPattern {
    /// Along each axis; that of the row does not matter.
    let extents: [Int]
    /// For each row its offset, in elements, from the box's first row.
    let rows: [Int]
    /// For each row what its first voxel's rank adds up to.
    let ranks: [Int]

    init(_ grid: RowGrid, mask: Int, rankSteps: [Int]? = nil, firstOnly: Bool = false) {
        extents = grid.extents(mask)
        var rows: [Int] = []
        var ranks: [Int] = []
        let count = firstOnly ? 1 : extents.dropFirst().reduce(1, *)
        rows.reserveCapacity(count)
        for number in 0..<count {
            var (rest, offset, rank) = (number, 0, 0)
            for axis in 1..<grid.stream {
                let step = rest % extents[axis]
                rest /= extents[axis]
                offset += step * grid.inStrides[axis]
                rank += step * (rankSteps?[axis] ?? 0)
            }
            rows.append(offset + rest * grid.inStrides[grid.stream])
            if let rankSteps { ranks.append(rank + rest * rankSteps[grid.stream]) }
        }
        self.rows = rows
        self.ranks = ranks
    }
}

/// Something for each kind of box, made when it is first asked for.
struct ByMask<Value> {
    private var values: [Value?]
    private let make: (Int) -> Value

    init(_ grid: RowGrid, _ make: @escaping (Int) -> Value) {
        values = Array(repeating: nil, count: grid.maskCount)
        self.make = make
    }

    subscript(mask: Int) -> Value {
        mutating get {
            if let value = values[mask] { return value }
            let value = make(mask)
            values[mask] = value
            return value
        }
    }
}

/// Room for the row pointers of one kernel call.
///
/// Owned by one runner; `count` never passes `capacity`, which is the number of rows of a full box.
struct RowPointers {
    let first: UnsafeMutablePointer<UnsafeRawPointer>
    let capacity: Int
    private(set) var count = 0
    private let memory: VoxelBuffer

    /// - Throws: ``EngineError/outOfMemory(_:)``.
    init(capacity: Int) throws(EngineError) {
        self.capacity = Swift.max(capacity, 1)
        memory = try VoxelBuffer(byteCount: self.capacity * MemoryLayout<UnsafeRawPointer>.stride)
        first = memory.base.bindMemory(to: UnsafeRawPointer.self, capacity: self.capacity)
    }

    mutating func removeAll() { count = 0 }

    mutating func append(_ pointer: UnsafeRawPointer) {
        precondition(count < capacity, "no more rows than a full box has")
        (first + count).initialize(to: pointer)
        count += 1
    }

    /// Replaces the pointers by `base` and each of the `offsets`, in elements of `width` bytes.
    mutating func place(_ offsets: [Int], at base: UnsafeRawPointer, width: Int) {
        removeAll()
        for offset in offsets { append(base + offset * width) }
    }

    /// Moves every pointer by as many bytes.
    func shift(by byteCount: Int) {
        for row in 0..<count { first[row] += byteCount }
    }

    /// Takes the same rows once more.
    mutating func double() {
        let rows = count
        for row in 0..<rows { append(first[row]) }
    }
}
