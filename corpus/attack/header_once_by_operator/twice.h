_Pragma("once")
#ifdef SEEN
#undef NEGATED
#define NEGATED 1
#else
#define SEEN
#define NEGATED 0
#endif
