/// The version of Fusebox: of both programs, the packages and the clients. The Makefile reads it from this line.
package let fuseboxVersion = "0.1.0"
