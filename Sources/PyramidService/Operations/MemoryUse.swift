// SPDX-License-Identifier: Apache-2.0

/// What memory is set aside for, in words for whoever hears that there is none.
package enum MemoryUse: Sendable {
    case pyramid
    /// A chunk that is made of finer ones.
    case making
    /// A chunk that is there, on its way to the client.
    case passing
    /// Voxels of a box: a cutout, a picture, a padded chunk.
    case box
    case upload

    var noun: String {
        switch self {
        case .pyramid: "pyramid"
        case .making, .passing: "chunk"
        case .box: "box"
        case .upload: "upload"
        }
    }

    /// What would need less.
    var advice: String {
        switch self {
        case .pyramid: "send a smaller array, or ask for fewer levels"
        case .making: "ask for a level nearer to those that are there"
        case .passing: "ask again with fewer requests at a time"
        case .box: "ask for a smaller box"
        case .upload: "choose smaller chunks, or send the array in Fortran order"
        }
    }
}
