#pragma once
/* Nothing of this header is known to the reader: each use of its names is refused. */
