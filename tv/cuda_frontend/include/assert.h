/* Read anew as often as it is included; without NDEBUG the reader knows `assert`. */
#undef assert
#ifdef NDEBUG
#define assert(...) (static_cast<void>(0))
#endif
