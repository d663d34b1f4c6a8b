// SPDX-License-Identifier: Apache-2.0
import Testing
import Volumes
import Voxels

@Suite struct ChunkNameTests {
    @Test(
        "A name is begin and end along x, y, z, negative or not",
        arguments: [
            ("-70--6_13-77_5-69", Box3(begin: Extent3(-70, 13, 5), end: Extent3(-6, 77, 69))),
            ("122-133_141-164_69-72", Box3(begin: Extent3(122, 141, 69), end: Extent3(133, 164, 72))),
            ("0-1_-1-0_-10--9", Box3(begin: Extent3(0, -1, -10), end: Extent3(1, 0, -9))),
            (
                "-9007199254740992-9007199254740992_0-64_0-64",
                Box3(begin: Extent3(-(1 << 53), 0, 0), end: Extent3(1 << 53, 64, 64))
            ),
        ]
    )
    func boxes(name: String, box: Box3) {
        #expect(ChunkName.parse(name) == box)
        #expect(ChunkName.parse(Substring("KEY/" + name).dropFirst(4)) == box)
        #expect(ChunkName.text(box) == name)
    }

    @Test(
        "Anything else is no name",
        arguments: [
            "", "-", "_", "0", "0-1", "0-1_0-1", "0-1_0-1_", "0-1_0-1_0", "0-1_0-1_0-", "0-1_0-1_0-1_0-1",
            "0-1_0-1_0-1 ", " 0-1_0-1_0-1", "0-1_0-1_0-1.gz", "0-1-0-1_0-1", "0-1_0-1_0-1\0",
            "+0-1_0-1_0-1", "00-1_0-1_0-1", "0-01_0-1_0-1", "-0-1_0-1_0-1", "0-1_0-1_-1--0", "--1-1_0-1_0-1",
            "0-0_0-1_0-1", "2-1_0-1_0-1", "0--1_0-1_0-1", "a-1_0-1_0-1", "0x0-1_0-1_0-1", "0-1_0-1_0-١",
            "0-9007199254740993_0-1_0-1", "-9007199254740993-0_0-1_0-1", "0-99999999999999999_0-1_0-1",
            "0-18446744073709551617_0-1_0-1", "0-1_0-1_0-99999999999999999999999999999999999999999999",
        ]
    )
    func refused(name: String) { #expect(ChunkName.parse(name) == nil) }
}
