// Snapshots of `llm-providers` come and go as JSON. A program that exchanges them gets its values with one import.
@_exported import FuseboxJSON
