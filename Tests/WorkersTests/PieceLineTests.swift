// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Workers

struct PieceLineTests {
    private func piece() -> Piece { Piece(ticket: WorkTicket()) { _ in } }

    @Test("Pieces come out in order, whoever leaves in between, and none twice") func order() {
        var random = SystemRandomNumberGenerator()
        var line = PieceLine()
        var expected: [WorkTicket] = []
        for _ in 0..<5000 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let piece = piece()
                line.append(piece)
                expected.append(piece.ticket)
            case 2:
                #expect(line.popFirst()?.ticket === expected.first)
                if !expected.isEmpty { expected.removeFirst() }
            default:
                guard let index = expected.indices.randomElement(using: &random) else { continue }
                let ticket = expected.remove(at: index)
                #expect(line.remove(ticket)?.ticket === ticket)
                #expect(line.remove(ticket) == nil)
            }
            #expect(line.count == expected.count)
        }
        while let ticket = expected.first {
            #expect(line.popFirst()?.ticket === ticket)
            expected.removeFirst()
        }
        #expect(line.popFirst() == nil)
    }

    @Test("A ticket that never had a piece in the line takes nobody's") func strangers() {
        var line = PieceLine()
        let piece = piece()
        line.append(piece)
        #expect(line.remove(WorkTicket()) == nil)
        #expect(line.remove(piece.ticket) != nil)
        #expect(line.count == 0)
    }

    @Test("A hundred thousand that leave from the end cost each what one costs") func manyLeave() {
        var line = PieceLine()
        let pieces = (0..<100_000).map { _ in piece() }
        for piece in pieces { line.append(piece) }
        for piece in pieces.reversed() { #expect(line.remove(piece.ticket) != nil) }
        #expect(line.count == 0 && line.popFirst() == nil)
    }

    @Test("Behind one that stays, any number may come and leave") func holes() {
        var line = PieceLine()
        let first = piece()
        line.append(first)
        for _ in 0..<10_000 {
            let piece = piece()
            line.append(piece)
            #expect(line.remove(piece.ticket) != nil)
        }
        #expect(line.popFirst()?.ticket === first.ticket)
    }
}
