/// A member that has the struct around it passed by its address.
///
/// The compiler takes a struct of any length for a value that may lie in registers. A method that changes nothing is
/// therefore called with a copy of the struct, made for this call, wherever the struct may change otherwise. A value whose
/// type is known at run time only cannot lie in registers. Nor can a struct that holds one, so it is passed where it is.
///
/// Tables that are kilobytes long with their parts have this member. It is never read.
@usableFromInline
package struct PassedByAddress: Sendable {
    private let value: any Sendable = ()

    @usableFromInline package init() {}
}
