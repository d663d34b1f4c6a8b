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

    /// The output row that the walk is at: its index along each axis; those of the row and the stream are 0.
    private(set) var at: [Int]
    /// Elements from the begin of a slice to the first row of the box.
    private(set) var rowBegin = 0
    /// Bits of the axes between row and stream along which the box is the last.
    private var sliceMask = 0

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
        at = stage.inSizes.map { _ in 0 }
        locate()
    }

    /// Moves to the next row; from the last one back to the first.
    mutating func advance() {
        guard stream > 1 else { return }
        for axis in 1..<stream {
            at[axis] += 1
            if at[axis] < outSizes[axis] { break }
            at[axis] = 0
        }
        locate()
    }

    private mutating func locate() {
        rowBegin = 0
        sliceMask = 0
        for axis in 1..<max(stream, 1) {
            rowBegin += at[axis] * factors[axis] * inStrides[axis]
            if at[axis] == outSizes[axis] - 1 { sliceMask |= 1 << axis }
        }
    }

    /// The kind of the boxes at the walk's row of output slice `index`, the last one along the row aside.
    func mask(_ index: Int) -> Int {
        index == outSizes[stream] - 1 ? sliceMask | 1 << stream : sliceMask
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

/// The rows of one kind of box: where they begin, in the order of memory.
struct RowPattern {
    /// Along each axis; that of the row does not matter.
    let extents: [Int]
    /// For each row its slice in the window and its offset, in elements, from the box's first row of a slice.
    let rows: [(slice: Int, offset: Int)]
    /// For each row what its first voxel's rank adds up to.
    let ranks: [Int]

    init(_ grid: RowGrid, mask: Int, rankSteps: [Int]? = nil, firstOnly: Bool = false) {
        extents = grid.extents(mask)
        var rows: [(slice: Int, offset: Int)] = []
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
            rows.append((slice: rest, offset: offset))
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
struct RowPointers: ~Copyable {
    let first: UnsafeMutablePointer<UnsafeRawPointer>
    let capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        first = .allocate(capacity: self.capacity)
    }

    deinit { first.deallocate() }

    mutating func removeAll() { count = 0 }

    mutating func append(_ pointer: UnsafeRawPointer) {
        precondition(count < capacity, "no more rows than a full box has")
        (first + count).initialize(to: pointer)
        count += 1
    }

    /// Takes the same rows once more.
    mutating func double() {
        let rows = count
        for row in 0..<rows { append(first[row]) }
    }
}
