/// Why a test cannot go on. Whatever throws it fails the test that called.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
