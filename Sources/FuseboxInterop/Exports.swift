// The embedded types use the names, amounts, times and replies of FuseboxWire, and come and go as JSON, so one import
// provides all of it.
@_exported import FuseboxJSON
@_exported import FuseboxWire
