"""Names of objects, and which names could be used for which kinds. Proofs of uniqueness are based on them."""

from __future__ import annotations

from functools import lru_cache

#: COCO's categories with their common names, most common first. Without "man" and "woman", which annotations do not tell apart.
COCO_NAMES: dict[str, tuple[str, ...]] = {
    "person": ("person",), "bicycle": ("bicycle", "bike"), "car": ("car",), "motorcycle": ("motorcycle", "motorbike"),
    "airplane": ("airplane", "plane"), "bus": ("bus",), "train": ("train",), "truck": ("truck",), "boat": ("boat",),
    "traffic light": ("traffic light",), "fire hydrant": ("fire hydrant", "hydrant"), "stop sign": ("stop sign",),
    "parking meter": ("parking meter",), "bench": ("bench",), "bird": ("bird",), "cat": ("cat",), "dog": ("dog",),
    "horse": ("horse",), "sheep": ("sheep",), "cow": ("cow",), "elephant": ("elephant",), "bear": ("bear",),
    "zebra": ("zebra",), "giraffe": ("giraffe",), "backpack": ("backpack", "rucksack", "bag"),
    "umbrella": ("umbrella",), "handbag": ("handbag", "bag", "purse"), "tie": ("tie", "necktie"),
    "suitcase": ("suitcase", "luggage"), "frisbee": ("frisbee", "disc"), "skis": ("skis",),
    "snowboard": ("snowboard",), "sports ball": ("ball",), "kite": ("kite",), "baseball bat": ("baseball bat", "bat"),
    "baseball glove": ("baseball glove", "glove"), "skateboard": ("skateboard",), "surfboard": ("surfboard",),
    "tennis racket": ("tennis racket", "racket"), "bottle": ("bottle",), "wine glass": ("wine glass", "glass"),
    "cup": ("cup",), "fork": ("fork",), "knife": ("knife",), "spoon": ("spoon",), "bowl": ("bowl",),
    "banana": ("banana",), "apple": ("apple",), "sandwich": ("sandwich",), "orange": ("orange",),
    "broccoli": ("broccoli",), "carrot": ("carrot",), "hot dog": ("hot dog",), "pizza": ("pizza",),
    "donut": ("donut", "doughnut"), "cake": ("cake",), "chair": ("chair",), "couch": ("couch", "sofa"),
    "potted plant": ("potted plant", "plant", "houseplant"), "bed": ("bed",), "dining table": ("table", "dining table"),
    "toilet": ("toilet",), "tv": ("tv", "television", "monitor", "screen"), "laptop": ("laptop", "computer"),
    "mouse": ("mouse", "computer mouse"), "remote": ("remote", "remote control"), "keyboard": ("keyboard",),
    "cell phone": ("phone", "cell phone", "mobile phone", "smartphone"), "microwave": ("microwave",),
    "oven": ("oven", "stove"), "toaster": ("toaster",), "sink": ("sink",),
    "refrigerator": ("refrigerator", "fridge"), "book": ("book",), "clock": ("clock",), "vase": ("vase",),
    "scissors": ("scissors", "pair of scissors"), "teddy bear": ("teddy bear", "teddy"),
    "hair drier": ("hair dryer", "hairdryer"), "toothbrush": ("toothbrush",),
}  # fmt: skip

#: Kinds whose objects might be called by each other's names: if there is a bottle, "jar" is uncertain.
RELATED: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split(","))
    for group in (
        "mug,cup,paper cup,beer,bubble tea,wine glass,cocktail,glass of milk,tumbler,champagne glasses,sake,pitcher",
        "bowl,plate,salad,dish,petri dish,stew,frying pan,pan,pot",
        "bottle,baby bottle,lotion,jar,vase,test tube,sake,can,pitcher,salt,glass of milk",
        "can,cylinder,battery,drum,jar,oil drum,cup,mug,paper cup",
        "ball,sports ball,disco ball,crystal ball,orange,bowling,softball,globe",
        "box,brick,cube,crate,gift,juice box,suitcase,dice,ice cube,toolbox,block,briefcase,book,soap",
        "book,books,notebook,notepad,folder,clipboard,paper,calendar,newspaper,door,bookmark,brick,receipt",
        "pencil,pen,crayon,paintbrush,marker,screwdriver,cane,wand,chopsticks,flute",
        "potted plant,plant,flower,bouquet,vase,tree,lettuce,broccoli,cactus",
        "star,badge,starfish", "ring,wheel,lifebuoy,doughnut,donut,bagel,disc,tire",
        "car,truck,van,bus,ambulance,fire truck,tractor,rickshaw,toy car,train,tram,jeep",
        "train,tram,monorail,bus", "boat,ship,ferry,sailboat,canoe", "airplane,helicopter,rocket,ufo,satellite",
        "motorcycle,scooter,bicycle,kick scooter,wheelchair",
        "skateboard,snowboard,surfboard,ski,skis,kick scooter,sled",
        "tv,monitor,laptop,screen,microwave,window,mirror", "laptop,keyboard,monitor,piano keys,tv",
        "phone,cell phone,telephone,telephone receiver,remote,pager,calculator,controller,joystick,fax machine",
        "mouse,computer mouse,trackball,rat,hamster,chipmunk,beaver,hedgehog",
        "bat,cricket bat,baseball bat,hockey stick,paddle,cane,bird",
        "tennis racket,badminton racket,paddle,hockey stick",
        "bird,dove,eagle,owl,peacock,parrot,duck,goose,swan,chicken,chick,turkey,dodo,flamingo,penguin,feather,wing",
        "cat,tiger,lion,leopard,fox,raccoon", "dog,wolf,fox,hamster,raccoon,badger,bear",
        "horse,donkey,unicorn,zebra,moose,deer,camel,llama,cow", "cow,ox,buffalo,bison,goat,sheep,ram",
        "pig,boar,pig nose,hippo,rhino", "bear,panda,koala,teddy bear,hamster,sloth,beaver", "elephant,mammoth",
        "monkey,gorilla,orangutan", "rabbit,hamster,kangaroo",
        "otter,seal,beaver,badger,skunk,sloth,hedgehog,raccoon,chipmunk",
        "whale,dolphin,shark,fish,seal", "octopus,squid,jellyfish", "crab,lobster,scorpion,shrimp,spider",
        "shell,oyster,snail", "dragon,dinosaur,crocodile,lizard,snake,frog,turtle",
        "ant,bee,beetle,cockroach,fly,mosquito,grasshopper,ladybug,spider,butterfly,caterpillar,worm",
        "person,doll", "hat,cap,top hat,helmet,crown,graduation cap",
        "shoe,sandal,boot,flip flop,ballet shoes,ice skate,roller skate",
        "shirt,blouse,vest,coat,dress,kimono,lab coat,karate suit,sari,swimsuit",
        "dress,kimono,sari,bikini,swimsuit", "underpants,shorts,jeans,bikini,swimsuit",
        "handbag,backpack,purse,pouch,shopping bags,briefcase,suitcase,money bag,basket,luggage,toolbox",
        "glasses,sunglasses,goggles,champagne glasses,diving mask", "gloves,boxing glove,baseball glove,socks",
        "watch,clock,stopwatch,timer,hourglass,alarm clock", "camera,movie camera,video camera,projector",
        "key,padlock,tag", "knife,dagger,swords,saw,cutlery,razor", "fork,spoon,knife,cutlery,chopsticks,plate",
        "hammer,wrench,tools,axe,pickaxe,saw,screwdriver,bolt", "bolt,gear,clamp",
        "orange,peach,mango,tomato,apple,lemon,kiwi,melon,coconut,tangerine,pumpkin,ball",
        "apple,pear,tomato,cherries,peach,strawberry", "lemon,pear,mango,banana", "watermelon,melon",
        "cucumber,eggplant,pepper,peas,avocado,carrot",
        "pepper,tomato,chili",
        "bread,baguette,croissant,bagel,sandwich,hamburger,hot dog,burrito,pita,taco,potato,toast",
        "doughnut,donut,bagel,cookie,pretzel", "cake,cupcake,pie,pudding,pancakes,waffle,ice cream,butter,cheese",
        "ice cream,shaved ice,pudding", "meat,steak,chicken leg,bacon", "garlic,onion,potato,egg,ginger",
        "peanuts,beans,peas,chestnut,olive",
        "candy,lollipop,chocolate,cookie,sweet", "banknotes,money bag,coin,credit card,card",
        "coin,disc,badge,frisbee,cd,plate",
        "lamp,oil lamp,lantern,candle,light bulb,flashlight,siren",
        "bucket,basket,trash can,pot,mug,cup,plant pot,bowl",
        "plant pot,potted plant,vase,bucket,cup,mug", "chair,seat,bench,couch,wheelchair,stool", "couch,bed",
        "bathtub,sink,toilet",
        "toilet paper,paper,scroll", "door,window,mirror,cabinet,filing cabinet,refrigerator,oven,microwave",
        "drum,can,barrel,oil drum", "guitar,violin,banjo", "trumpet,saxophone,flute", "piano keys,accordion,keyboard",
        "chart,calendar,clipboard", "pin,syringe,safety pin,paperclip,hook,needle", "ruler,set square,ladder",
        "traffic light,stop sign,bus stop,siren,barrier",
        "pill,candy,bean,capsule", "sponge,soap,cheese,butter,brick", "bow,boomerang,hook,anchor",
        "toothbrush,brush,paintbrush,comb,broom,plunger", "teapot,pitcher,kettle,mug",
        "stop sign,shield,target", "disc,frisbee,plate,wheel,coin,ring,target", "crown,ring", "gem,ice cube,ring",
        "controller,joystick,remote,puzzle piece",
    )
)  # fmt: skip

#: Names that are more specific than their kind: they only describe objects that have them (no other car is a "taxi").
TELLING = frozenset(
    (
        "taxi", "cab", "police car", "racing car", "race car", "alarm clock", "basketball", "volleyball", "baseball",
        "soccer ball", "rugby ball", "polar bear", "poodle", "rooster", "sunflower", "wine glass", "pickup truck",
        "pickup", "open book", "open padlock", "open folder", "high heel", "high heeled shoe", "sandal",
        "birthday cake",
        "bullet train", "steam train", "owl", "eagle", "parrot", "peacock",
    )
)  # fmt: skip


@lru_cache(maxsize=4096)
def may_be_called(kind: str, other: str) -> bool:
    """Whether an object of `kind` might be called by a name of `other`: the same kind, or a related one."""
    return kind == other or any(kind in group and other in group for group in RELATED)


def shares_a_word(name: str, other: str) -> bool:
    """Whether two names end with the same word, so that one may be a kind of the other: "alarm clock" and "clock"."""
    return name.split()[-1] == other.split()[-1]


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, frozenset[str]]:
    """Name -> kinds that have it, of everything that can be in a scene."""
    from isfp_train.data.sprites.procedural import KIND_NAMES
    from isfp_train.data.sprites.sprites import fluent_emoji

    kinds: dict[str, set[str]] = {}
    pairs = [*COCO_NAMES.items(), *KIND_NAMES.items()]
    pairs += [(entry["kind"], tuple(entry["names"])) for entry in fluent_emoji().values()]
    for kind, names in pairs:
        for name in (*names, kind):
            kinds.setdefault(name, set()).add(kind)
    return {name: frozenset(group) for name, group in kinds.items()}


def kinds_called(name: str) -> frozenset[str]:
    """The kinds whose objects may have this name; the name itself if it is unknown."""
    return _vocabulary().get(name, frozenset((name,)))


@lru_cache(maxsize=3)
def names_of(world: str) -> tuple[str, ...]:
    """All names of "photo" (COCO's categories), of "drawn" (what the project draws itself) or of "any" object, sorted."""
    from isfp_train.data.sprites.procedural import KIND_NAMES

    if world == "any":
        return tuple(sorted(_vocabulary()))
    kinds = COCO_NAMES if world == "photo" else KIND_NAMES
    return tuple(sorted({name for names in kinds.values() for name in names}))


def world_of(kinds: frozenset[str]) -> str:
    """The smallest world of `names_of` that contains all these kinds."""
    from isfp_train.data.sprites.procedural import KIND_NAMES

    if kinds <= COCO_NAMES.keys():
        return "photo"
    return "drawn" if kinds <= KIND_NAMES.keys() else "any"
