// SPDX-License-Identifier: Apache-2.0

// The exact mode of boxes of up to 64 voxels, many boxes side by side.
//
// Boxes of one label are answered at once. The others are gathered, place j of all boxes in column j, in the
// order of ranks; then each place counts its equals among the later places, as in `EightVoxels`: the largest
// count, with ties to the first place, is the most frequent label with ties to the lowest rank of a first
// occurrence. It takes n (n - 1) / 2 compares, each for a whole vector of boxes and without a branch.
//
// Invariant: as in ModeBox.swift; `scratch` holds `modeColumnsByteCount` bytes, aligned to 16.

/// Largest box that is counted in columns; counts fit 8 bits.
var modeColumnsLimit: Int { 64 }

private var columnByteCount: Int { 256 }

/// Bytes of scratch memory: the columns, counts, and for each place its source and rank; and the boxes
/// gathered.
var modeColumnsByteCount: Int { columnByteCount * (modeColumnsLimit + 3) + modeColumnsLimit * 16 + 258 * 8 }

/// The places of a box in the order of ranks, and the columns of the boxes that were gathered.
struct ModeColumns<T: LabelBits> {
    /// Start of `scratch`; all else lies at fixed places behind. One word for the reason given at `CubeRows`.
    private let columns: UnsafeMutablePointer<T>

    @inline(__always)
    private var later: UnsafeMutablePointer<T> { columns + modeColumnsLimit &* Self.capacity }
    @inline(__always)
    private var most: UnsafeMutablePointer<T> { later + Self.capacity }
    @inline(__always)
    private var best: UnsafeMutablePointer<T> { most + Self.capacity }
    @inline(__always)
    private var behind: UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(columns) + columnByteCount &* (modeColumnsLimit &+ 3)
    }
    @inline(__always)
    private var sources: UnsafeMutablePointer<UnsafePointer<T>> {
        behind.assumingMemoryBound(to: UnsafePointer<T>.self)
    }
    @inline(__always)
    private var ranks: UnsafeMutablePointer<Int> {
        (behind + modeColumnsLimit &* 8).assumingMemoryBound(to: Int.self)
    }
    @inline(__always)
    private var boxes: UnsafeMutablePointer<Int> {
        (behind + modeColumnsLimit &* 16).assumingMemoryBound(to: Int.self)
    }
    /// Places, then gathered boxes.
    @inline(__always)
    private var totals: UnsafeMutablePointer<Int> { boxes + 256 }
    @inline(__always)
    private var places: Int {
        get { totals[0] }
        nonmutating set { totals[0] = newValue }
    }
    @inline(__always)
    private var gathered: Int {
        get { totals[1] }
        nonmutating set { totals[1] = newValue }
    }

    @inline(__always)
    private static var capacity: Int { columnByteCount / MemoryLayout<T>.size }

    init(scratch: UnsafeMutableRawPointer) {
        columns = scratch.assumingMemoryBound(to: T.self)
        places = 0
        gathered = 0
    }

    /// Adds a place where its rank belongs; ranks mostly come in rising order.
    func addPlace(_ source: UnsafePointer<T>, rank: Int) {
        var hole = places
        while hole > 0 && ranks[hole &- 1] > rank {
            ranks[hole] = ranks[hole &- 1]
            sources[hole] = sources[hole &- 1]
            hole &-= 1
        }
        ranks[hole] = rank
        sources[hole] = source
        places &+= 1
    }

    /// Writes the modes of `count` full boxes.
    func run(
        _ rows: UnsafePointer<UnsafeRawPointer>,
        _ rowCount: Int,
        _ factor: Int,
        _ count: Int,
        _ sparse: Bool,
        _ target: UnsafeMutablePointer<T>
    ) {
        var i = 0
        while i < count {
            let start = i &* factor
            let first = rows[0].assumingMemoryBound(to: T.self)[start]
            var differences: T = 0
            var r = 0
            while r < rowCount {
                let row = rows[r].assumingMemoryBound(to: T.self) + start
                var dx = 0
                while dx &+ 4 <= factor {
                    let low = (row[dx] ^ first) | (row[dx &+ 1] ^ first)
                    let high = (row[dx &+ 2] ^ first) | (row[dx &+ 3] ^ first)
                    differences |= low | high
                    dx &+= 4
                }
                while dx < factor {
                    differences |= row[dx] ^ first
                    dx &+= 1
                }
                r &+= 1
            }
            if differences == 0 {
                target[i] = first
            } else {
                gather(i, start)
                if gathered == Self.capacity { settle(sparse, target) }
            }
            i &+= 1
        }
        if gathered > 0 { settle(sparse, target) }
    }

    @inline(__always)
    private func gather(_ box: Int, _ start: Int) {
        let places = places
        var column = columns + gathered
        var j = 0
        while j < places {
            column.pointee = sources[j][start]
            column += Self.capacity
            j &+= 1
        }
        boxes[gathered] = box
        gathered &+= 1
    }

    /// Chooses for all gathered boxes and writes their labels where they belong.
    @inline(__always)
    private func settle(_ sparse: Bool, _ target: UnsafeMutablePointer<T>) {
        // Whole vectors: lanes behind the last box hold old voxels, and what they give is not looked at.
        let vector = 32 / MemoryLayout<T>.size
        let gathered = gathered
        let lanes = (gathered &+ vector &- 1) / vector &* vector
        var i = 0
        while i < lanes {
            best[i] = 0
            most[i] = -1
            i &+= 1
        }
        let places = places
        var j = 0
        while j < places {
            countLater(j, lanes)
            let column = columns + j &* Self.capacity
            i = 0
            while i < lanes {
                let label = column[i]
                let zero = sparse ? T.same(label, 0) : 0
                // At most 63 equals: with bit 7 the count is negative in every width.
                let count = later[i] &- (zero &<< 7)
                let isMore = count > most[i]
                best[i] = isMore ? label : best[i]
                most[i] = isMore ? count : most[i]
                i &+= 1
            }
            j &+= 1
        }
        i = 0
        while i < gathered {
            target[boxes[i]] = best[i]
            i &+= 1
        }
        self.gathered = 0
    }

    /// Counts the equals of place `j` among the later places, four at a time.
    @inline(__always)
    private func countLater(_ j: Int, _ lanes: Int) {
        let column = columns + j &* Self.capacity
        var i = 0
        while i < lanes {
            later[i] = 0
            i &+= 1
        }
        let places = places
        var k = j &+ 1
        while k &+ 4 <= places {
            let p = columns + k &* Self.capacity
            i = 0
            while i < lanes {
                let label = column[i]
                let near = T.same(label, p[i]) &+ T.same(label, p[i &+ Self.capacity])
                let far =
                    T.same(label, p[i &+ 2 &* Self.capacity]) &+ T.same(label, p[i &+ 3 &* Self.capacity])
                later[i] &+= near &+ far
                i &+= 1
            }
            k &+= 4
        }
        while k < places {
            let p = columns + k &* Self.capacity
            i = 0
            while i < lanes {
                later[i] &+= T.same(column[i], p[i])
                i &+= 1
            }
            k &+= 1
        }
    }
}
