// SPDX-License-Identifier: Apache-2.0

// Medians of boxes of up to 64 voxels by a sorting network, for a block of boxes at a time.
//
// Place j of all boxes of the block is a column of memory, and one step of the network orders two columns,
// many boxes side by side. The network is Batcher's merge exchange, which sorts any number of places (Knuth,
// The Art of Computer Programming, volume 3, 5.2.2, algorithm M).
//
// What is left out (sparse: zeros) becomes the greatest value and ends up behind the rest; the rest are
// counted for each box. A NaN becomes the greatest value, too, and marks its box by a count below 0.

/// Largest box that is sorted by the network.
var medianNetworkLimit: Int { 64 }

/// Bytes of one column: with 64 columns and the counts well inside the nearest cache.
private var columnByteCount: Int { 256 }

/// Bytes of scratch memory: all columns, a spare one, and one 16-bit count for each box of a block.
var medianNetworkByteCount: Int { columnByteCount * (medianNetworkLimit + 3) }

@inline(never)
func medianNetwork<T: MedianVoxel>(
    _ type: T.Type,
    _ sparse: Bool,
    _ rows: UnsafePointer<UnsafeRawPointer>,
    _ rowCount: Int,
    _ factor: Int,
    _ count: Int,
    _ scratch: UnsafeMutableRawPointer,
    _ target: UnsafeMutablePointer<T>
) {
    let capacity = columnByteCount / MemoryLayout<T>.size
    let counts = scratch.assumingMemoryBound(to: Int16.self)
    let columns = (scratch + columnByteCount * 2).assumingMemoryBound(to: T.self)
    let boxVoxelCount = rowCount &* factor
    var done = 0
    while done < count {
        let boxes = Swift.min(capacity, count &- done)
        var i = 0
        while i < boxes {
            counts[i] = 0
            i &+= 1
        }
        var r = 0
        while r < rowCount {
            let row = rows[r].assumingMemoryBound(to: T.self) + done &* factor
            var dx = 0
            while dx < factor {
                let column = columns + (r &* factor &+ dx) &* capacity
                fillColumn(row + dx, factor, sparse, boxes, column, counts)
                dx &+= 1
            }
            r &+= 1
        }
        sortColumns(columns, capacity, boxVoxelCount, boxes)
        i = 0
        while i < boxes {
            let known = Int(truncatingIfNeeded: counts[i])
            let middle = Swift.max(known &- 1, 0) / 2
            let value = columns[middle &* capacity &+ i]
            target[done &+ i] = known > 0 ? value : known < 0 ? T.undefined : T.zero
            i &+= 1
        }
        done &+= boxes
    }
}

/// Copies one place of each box to a column, and counts it where it takes part.
@inline(__always)
private func fillColumn<T: MedianVoxel>(
    _ source: UnsafePointer<T>,
    _ factor: Int,
    _ sparse: Bool,
    _ boxes: Int,
    _ column: UnsafeMutablePointer<T>,
    _ counts: UnsafeMutablePointer<Int16>
) {
    var i = 0
    while i < boxes {
        let value = source[i &* factor]
        let leftOut = sparse && value == T.zero
        column[i] = leftOut || value.isUndefined ? T.greatest : value
        // A NaN outweighs the counts of all other places.
        counts[i] &+= value.isUndefined ? -128 : leftOut ? 0 : 1
        i &+= 1
    }
}

@inline(__always)
private func sortColumns<T: MedianVoxel>(
    _ columns: UnsafeMutablePointer<T>,
    _ capacity: Int,
    _ places: Int,
    _ boxes: Int
) {
    var top = 1
    while top < places { top &*= 2 }
    var p = top / 2
    while p > 0 {
        var q = top / 2
        var r = 0
        var distance = p
        while true {
            var j = 0
            while j < places &- distance {
                if j & p == r {
                    orderColumns(
                        columns + j &* capacity,
                        columns + (j &+ distance) &* capacity,
                        columns + medianNetworkLimit &* capacity,
                        boxes
                    )
                }
                j &+= 1
            }
            guard q != p else { break }
            distance = q &- p
            q /= 2
            r = p
        }
        p /= 2
    }
}

@inline(__always)
private func orderColumns<T: MedianVoxel>(
    _ low: UnsafeMutablePointer<T>,
    _ high: UnsafeMutablePointer<T>,
    _ spare: UnsafeMutablePointer<T>,
    _ boxes: Int
) {
    // Least and greatest in one loop would be one branch with two stores, which does not vectorise.
    var i = 0
    while i < boxes {
        spare[i] = high[i] < low[i] ? high[i] : low[i]
        i &+= 1
    }
    i = 0
    while i < boxes {
        high[i] = high[i] < low[i] ? low[i] : high[i]
        i &+= 1
    }
    i = 0
    while i < boxes {
        low[i] = spare[i]
        i &+= 1
    }
}
