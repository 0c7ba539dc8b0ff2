// Which sources this library was built from: Python refuses one that is out of date.
#include "export.h"

EXPORT const char* longhand_sources() { return LONGHAND_SOURCES; }
