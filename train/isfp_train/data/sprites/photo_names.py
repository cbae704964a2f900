"""Names of objects in annotated photos other than COCO's, most common name first."""

from __future__ import annotations

PHOTO_NAMES: dict[str, tuple[str, ...]] = {
    "coffee mug": ("coffee mug", "mug", "cup", "coffee cup"), "mug": ("mug", "cup", "coffee mug"),
    "white cup": ("white cup", "cup", "plastic cup"), "pencil cup": ("pencil cup", "pencil holder", "cup", "pen holder"),
    "frying pan": ("frying pan", "pan", "skillet"), "refrigerator": ("refrigerator", "fridge"),
    "dishwasher": ("dishwasher",), "spatula": ("spatula", "turner", "utensil"), "plate": ("plate", "dish"),
    "toaster": ("toaster",), "blender": ("blender", "mixer"), "microwave": ("microwave", "microwave oven"),
    "tuna can": ("tuna can", "can", "tin", "can of tuna"), "meat can": ("meat can", "can", "tin", "spam"),
    "soup can": ("soup can", "can", "tin", "can of soup"), "chips can": ("chips can", "can", "pringles can"),
    "wrench": ("wrench", "spanner", "adjustable wrench"), "clamp": ("clamp", "spring clamp", "clip"),
    "foam brick": ("foam brick", "brick", "block", "foam block"), "mustard bottle": ("mustard bottle", "mustard", "bottle"),
    "cracker box": ("cracker box", "box", "box of crackers"), "t-shirt": ("t-shirt", "shirt", "tee"),
    "nail": ("nail", "screw"), "glove": ("glove",), "key": ("key", "keys"), "wine glass": ("wine glass", "glass"),
    "mandarin orange": ("mandarin orange", "mandarin", "orange", "tangerine"), "domino tile": ("domino tile", "domino", "tile"),
    "earphone case": ("earphone case", "case", "airpods case"),
    "usb stick": ("usb stick", "flash drive", "usb drive", "thumb drive"),
    "card": ("card", "bank card", "credit card"), "eraser": ("eraser", "rubber"), "coin": ("coin",),
    "microcontroller board": ("microcontroller board", "board", "circuit board", "microcontroller"),
    "raspberry pi board": ("raspberry pi board", "raspberry pi", "board", "circuit board"),
    "microcontroller board with display": (
        "microcontroller board with display", "board with a display", "board", "circuit board"),
    "arduino board": ("arduino board", "arduino", "board", "circuit board"), "jetson board": ("jetson board", "jetson", "board"),
    "circuit board": ("circuit board", "board"), "push button": ("push button", "button"),
    "computer chip": ("computer chip", "chip"),
    "led": ("led", "light"), "slice of bread": ("slice of bread", "bread", "toast"), "fried tofu": ("fried tofu", "tofu"),
    "braised tofu": ("braised tofu", "tofu"), "fried tempeh": ("fried tempeh", "tempeh"),
    "braised tempeh": ("braised tempeh", "tempeh"), "lying pig": ("lying pig", "pig"), "standing pig": ("standing pig", "pig"),
    "fire truck": ("fire truck", "fire engine", "truck"), "arrow on the road": ("arrow on the road", "arrow", "road arrow"),
    "zebra crossing": ("zebra crossing", "crosswalk", "crossing"), "balcony railing": ("balcony railing", "railing", "balcony"),
    "building facade": ("building facade", "building", "facade", "house"), "street": ("street", "road"),
    "shop front": ("shop front", "shop", "store"), "tennis ball": ("tennis ball", "ball"), "baseball": ("baseball", "ball"),
    "elevator": ("elevator", "lift", "elevator doors"), "staircase": ("staircase", "stairs", "steps", "stairway"),
    "escalator": ("escalator", "moving stairs"), "robot gripper": ("robot gripper", "gripper", "robot hand"),
    "cat": ("cat", "kitty"), "dog": ("dog", "puppy"), "donut": ("donut", "doughnut"),
    "person": ("person", "human", "someone"), "pants": ("pants", "trousers"), "purse": ("purse", "handbag", "bag"),
    "sneakers": ("sneakers", "trainers", "shoes"), "heels": ("heels", "high heels", "shoes"), "pumps": ("pumps", "shoes"),
    "flats": ("flats", "shoes"), "loafers": ("loafers", "shoes"), "jumper": ("jumper", "sweater", "pullover"),
    "sweater": ("sweater", "pullover", "jumper"), "sandals": ("sandals", "shoes"), "wedges": ("wedges", "shoes"),
    "boots": ("boots",), "sunglasses": ("sunglasses", "shades", "glasses"), "watch": ("watch", "wristwatch"),
    "top": ("top", "shirt"), "blouse": ("blouse", "top", "shirt"), "hat": ("hat", "cap"),
}  # fmt: skip

#: Kinds that people confuse: if one is present, no other kind of its group is certainly absent.
NEVER_ABSENT_TOGETHER: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split(","))
    for group in (
        "blouse,shirt,t-shirt,top,sweater,jumper,sweatshirt,hoodie,cardigan,vest,jacket,blazer,coat,cape,suit,bodysuit,romper,dress",
        "boots,clogs,flats,heels,loafers,pumps,sandals,shoes,sneakers,wedges",
        "jeans,leggings,pants,shorts,skirt,stockings,tights,dress,romper,socks,suit,panties,swimwear,intimate,bra",
        "bag,purse,wallet,accessories", "necklace,scarf,tie,accessories", "bracelet,watch,ring,accessories",
        "glasses,sunglasses,accessories", "hat,accessories", "belt,accessories", "earrings,accessories", "gloves,accessories",
        "mug,coffee mug,cup,white cup,pencil cup,wine glass,bowl", "tuna can,meat can,soup can,chips can",
        "microcontroller board,raspberry pi board,microcontroller board with display,arduino board,jetson board,circuit board",
        "fried tofu,braised tofu,tofu,fried tempeh,braised tempeh,tempeh", "lying pig,standing pig",
        "plate,bowl,frying pan", "wrench,hammer,nail,clamp", "knife,spatula,cutlery", "cracker box,foam brick,book,eraser",
        "window,door,building facade,shop front,balcony railing", "staircase,escalator,elevator,door",
        "resistor,led,push button,capacitor,computer chip", "street,zebra crossing,arrow on the road",
    )
)  # fmt: skip
