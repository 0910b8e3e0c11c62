import FuseboxWire
import Testing

/// What tables and logs show of text that a stranger has chosen.
@Suite struct PrintableTextTests {
    @Test(
        arguments: [0x00, 0x0A, 0x1B, 0x1F, 0x7F, 0x80, 0x9B, 0x9F, 0x200F, 0x2028, 0x202A, 0x202E, 0x2066, 0x2069]
            as [UInt32])
    func whatATerminalObeysIsReplaced(value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        #expect("a\(scalar)b".printable == "a\u{FFFD}b")
    }

    @Test(arguments: [0x20, 0x7E, 0xA0, 0xE9, 0x200D, 0x2027, 0x202F, 0x2065, 0x206A, 0x1F600] as [UInt32])
    func whatIsShownStays(value: UInt32) throws {
        guard let scalar = Unicode.Scalar(value) else { return }
        #expect("a\(scalar)b".printable == "a\(scalar)b")
    }
}
