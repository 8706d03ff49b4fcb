#pragma once
#define ONE 1
