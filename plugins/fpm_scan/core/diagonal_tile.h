// How the cells of an anti-diagonal become rows of tiles: the row is the cell's place in the anti-diagonal of its
// phrase. Anti-diagonals that leave room for it share a tile with those of other phrases, each phrase whole; a longer
// one than a tile takes several.
#pragma once

#include "grid_walk.h"
#include "tile.h"

namespace isfp {

struct DiagonalTile {
    int index;       // d of the anti-diagonal
    int first;       // its smallest a
    int length;      // its cells
    int together;    // phrases that share a tile
    int reciprocal;  // of the length, in 256ths, rounded up: a row is divided by multiplication
    int phrase;      // of row 0, counted from the group's first
    int begin;       // place of row 0 in its anti-diagonal
    int rows;        // <= 16

    // Phrases between row 0 and `row`. Exact for all rows of a tile: 15 * (256 / length + 1) < 256 where length > 16.
    ISFP_FUNCTION int phrases_before(int row) const { return row * reciprocal >> 8; }

    // Row 0 among all rows of the anti-diagonal, phrase after phrase.
    ISFP_FUNCTION int first_row() const { return phrase * length + begin; }
};

ISFP_FUNCTION int rows_of(const DiagonalTile& tile, int phrases) {
    return tile.length > kTileRows ? smaller(kTileRows, tile.length - tile.begin)
                                   : smaller(tile.together, phrases - tile.phrase) * tile.length;
}

// The first tile of anti-diagonal d of `phrases` phrases.
ISFP_FUNCTION DiagonalTile first_tile(int size, int phrases, int d) {
    const Diagonal diagonal = diagonal_of(size, d);
    DiagonalTile tile = {d, diagonal.first, diagonal.length, 1, 0, 0, 0, 0};
    if (phrases > 1) {  // the only divisions, once an anti-diagonal
        tile.together = larger(1, kTileRows / tile.length);
        tile.reciprocal = divide_up(256, tile.length);
    }
    tile.rows = rows_of(tile, phrases);
    return tile;
}

// To the next tile of the same anti-diagonal; false behind the last one.
ISFP_FUNCTION bool next_tile(DiagonalTile& tile, int phrases) {
    tile.begin += kTileRows;
    if (tile.begin >= tile.length) {
        tile.begin = 0;
        tile.phrase += tile.together;
    }
    if (tile.phrase >= phrases) {
        return false;
    }
    tile.rows = rows_of(tile, phrases);
    return true;
}

}  // namespace isfp
