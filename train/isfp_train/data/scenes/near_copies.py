"""Photos that show the same scene as a held-out photo: another crop, a second shot, or a copy in another folder.

A photo's split depends on a hash of its file name, which does not see this. These were found by eye, and by comparing the maps that
EfficientNet-Lite0 gives for all photos. They are in neither split.
"""

from __future__ import annotations

#: Ids of the photos, by folder.
NEAR_COPIES = {
    "bottles": (24, 25),
    "clothing": (594,),
    "coco_train": (263,),
    "crossings": (37, 39),
    "doors_stairs_lifts": (45, 58, 61, 64, 71, 72, 75, 78, 86, 101, 105, 109, 156),
    "home_kitchen": (66, 89, 118, 128, 130, 148, 166, 189, 198, 207, 225, 246, 251, 256),
    "table_robot": (2, 3, 4, 5, 6),
    "tools": (68,),
}
