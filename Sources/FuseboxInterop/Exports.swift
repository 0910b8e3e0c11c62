// Names, money, moments and replies are the vocabulary of what can be embedded: one import gives a program all of it.
@_exported import FuseboxWire
