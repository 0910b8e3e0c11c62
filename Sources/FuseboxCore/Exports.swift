// The core's operations take and return names, money, moments and commands. A program that embeds the core gets them
// with one import.
@_exported import FuseboxWire
