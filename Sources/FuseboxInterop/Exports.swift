// The embedded types use the names, amounts, times and replies of FuseboxWire, so one import provides both.
@_exported import FuseboxWire
