// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Volumes

struct VolumeKindTests {
    @Test("Kinds are spelled as info spells them") func spelling() {
        #expect(VolumeKind(rawValue: "segmentation") == .segmentation)
        #expect(VolumeKind(rawValue: "Image") == nil)
    }
}
