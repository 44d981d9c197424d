//! The files in `pass` and `fail` are compiled in a package that calls `wswrapper` by another name.
