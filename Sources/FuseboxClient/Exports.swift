// What the client's methods take and return — `Money`, `Topics`, `Event`, the replies — is part of its vocabulary: one
// import gives a worker all of it.
@_exported import FuseboxWire
