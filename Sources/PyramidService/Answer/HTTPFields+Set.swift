// SPDX-License-Identifier: Apache-2.0
import HTTPTypes

extension HTTPFields {
    /// Puts `field` in the place of one of the same name, or at the end.
    ///
    /// What the subscript does, for fields that stand there at most once: it is several times as fast, and a field that
    /// never changes is checked once.
    mutating func set(_ field: HTTPField) {
        if let index = firstIndex(where: { $0.name == field.name }) {
            self[index] = field
        } else {
            append(field)
        }
    }

    mutating func set(_ name: HTTPField.Name, _ value: String) { set(HTTPField(name: name, value: value)) }
}
