// The way of a direction over the grid, one anti-diagonal after the other.
//
// Every direction is walked as if it were DR (down, right); `Walk` turns the grid so that it is. In these scan
// coordinates (a, b) the incoming neighbours of a cell are (a-1,b), (a,b-1) and (a-1,b-1), and the cells of one
// anti-diagonal a + b = d do not need each other.
#pragma once

#include "portable.h"

namespace isfp {

constexpr int kPaths = 4;
constexpr int kDirections = 2;

// Paths: 0 (DR, UL), 1 (UL, DR), 2 (DL, UR), 3 (UR, DL). The second direction of a path is the first one turned by half
// a turn.
struct Direction {
    bool up;
    bool left;
};

ISFP_FUNCTION Direction direction_of(int path, int direction) {
    const bool second = direction == 1;
    return {(path == 1 || path == 3) != second, (path == 1 || path == 2) != second};
}

struct Diagonal {
    int first;   // smallest a
    int length;  // number of cells
};

ISFP_FUNCTION int diagonals(int size) { return 2 * size - 1; }

ISFP_FUNCTION Diagonal diagonal_of(int size, int index) {
    const int first = larger(0, index - size + 1);
    return {first, smaller(index, size - 1) - first + 1};
}

// Cells of the row-major grid [S,S]: where a direction starts, and how far apart its neighbours are.
struct Walk {
    int origin;  // scan cell (0, 0)
    int down;    // from (a, b) to (a+1, b)
    int right;   // from (a, b) to (a, b+1)
};

ISFP_FUNCTION Walk walk_of(int path, int direction, int size) {
    const Direction turned = direction_of(path, direction);
    const int row = turned.up ? size - 1 : 0;
    const int column = turned.left ? size - 1 : 0;
    return {row * size + column, turned.up ? -size : size, turned.left ? -1 : 1};
}

// Index of scan cell (a, b) in the grid.
ISFP_FUNCTION int cell_index(const Walk& walk, int a, int b) { return walk.origin + a * walk.down + b * walk.right; }

}  // namespace isfp
