// SPDX-License-Identifier: Apache-2.0

@main
struct Pyramidion {
    static func main() {}
}
