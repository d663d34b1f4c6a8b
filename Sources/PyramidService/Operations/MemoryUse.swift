// SPDX-License-Identifier: Apache-2.0

/// What memory is set aside for, in words for whoever hears that there is none.
package enum MemoryUse: String, Sendable {
    case pyramid, chunk, box, upload

    /// What would need less.
    var advice: String {
        switch self {
        case .pyramid: "send a smaller array, or ask for fewer levels"
        case .chunk: "ask for a level nearer to those that are there"
        case .box: "ask for a smaller box"
        case .upload: "choose smaller chunks, or send the array in Fortran order"
        }
    }
}
