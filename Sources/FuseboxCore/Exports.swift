// Names, money, moments and commands are the core's vocabulary: one import gives an embedding program all of it.
@_exported import FuseboxWire
