//! The catalogue: eleven products, fixed as the PetStore has them, and breeds as a way to them.

/// Where the published photo addresses begin. Contract data for whoever reads the order: the
/// pages draw their own pictures and never fetch these.
const PHOTOS: &str = "https://raw.githubusercontent.com/chtrembl/staticcontent/master/";

/// Who a product is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Animal {
    /// Dogs.
    Dog,
    /// Cats.
    Cat,
    /// Fish.
    Fish,
}

impl Animal {
    /// In the order of the navigation.
    pub const ALL: [Self; 3] = [Self::Dog, Self::Cat, Self::Fish];

    /// As in addresses: `dog`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Dog => "dog",
            Self::Cat => "cat",
            Self::Fish => "fish",
        }
    }

    /// As people say it: `Dogs`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Dog => "Dogs",
            Self::Cat => "Cats",
            Self::Fish => "Fish",
        }
    }

    /// The animal of a slug.
    #[must_use]
    pub fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|animal| animal.slug() == slug)
    }
}

/// How big the animal is that a product suits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Small breeds.
    Small,
    /// Large breeds.
    Large,
}

impl Size {
    /// As in addresses and as the catalogue tags it: `small`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// The size of a slug.
    #[must_use]
    pub fn of_slug(slug: &str) -> Option<Self> {
        [Self::Small, Self::Large]
            .into_iter()
            .find(|size| size.slug() == slug)
    }
}

/// What there is to buy.
pub const KINDS: [&str; 2] = ["Toy", "Food"];

/// Something to buy.
#[derive(Debug, PartialEq, Eq)]
pub struct Product {
    /// Its number, 1 to 11.
    pub id: u32,
    /// Who it is for.
    pub animal: Animal,
    /// One of [`KINDS`].
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The catalogue's tags.
    pub sizes: &'static [Size],
    /// One line for the shopper.
    pub line: &'static str,
    photo: &'static str,
}

impl Product {
    /// The address that is published as `photoURL`.
    #[must_use]
    pub fn photo_url(&self) -> String {
        format!("{PHOTOS}{}?raw=true", self.photo)
    }

    /// As the catalogue names it: `Dog Toy`.
    #[must_use]
    pub fn category(&self) -> String {
        let animal = match self.animal {
            Animal::Dog => "Dog",
            Animal::Cat => "Cat",
            Animal::Fish => "Fish",
        };
        format!("{animal} {}", self.kind)
    }
}

const BOTH: &[Size] = &[Size::Small, Size::Large];

#[rustfmt::skip]
/// All products, by their numbers.
pub static PRODUCTS: [Product; 11] = [
    Product { id: 1, animal: Animal::Dog, kind: "Toy", name: "Ball", sizes: BOTH, photo: "dog-toys/ball.jpg", line: "Bounces well, floats, and comes back if your dog does." },
    Product { id: 2, animal: Animal::Dog, kind: "Toy", name: "Ball Launcher", sizes: &[Size::Large], photo: "dog-toys/ball-launcher.jpg", line: "Three times the distance, and your hands stay dry." },
    Product { id: 3, animal: Animal::Dog, kind: "Toy", name: "Plush Lamb", sizes: BOTH, photo: "dog-toys/plush-lamb.jpg", line: "Soft company for the basket. Squeaks once, politely." },
    Product { id: 4, animal: Animal::Dog, kind: "Toy", name: "Plush Moose", sizes: BOTH, photo: "dog-toys/plush-moose.jpg", line: "Two antlers, so two dogs can disagree about it." },
    Product { id: 5, animal: Animal::Dog, kind: "Food", name: "Large Breed Dry Food", sizes: &[Size::Large], photo: "dog-food/large-dog.jpg", line: "Big kibble for dogs that take up the whole sofa." },
    Product { id: 6, animal: Animal::Dog, kind: "Food", name: "Small Breed Dry Food", sizes: &[Size::Small], photo: "dog-food/small-dog.jpg", line: "Small kibble for small mouths with large opinions." },
    Product { id: 7, animal: Animal::Cat, kind: "Toy", name: "Mouse", sizes: BOTH, photo: "cat-toys/mouse.jpg", line: "Felt, with a long tail. Usually found under the fridge." },
    Product { id: 8, animal: Animal::Cat, kind: "Toy", name: "Scratcher", sizes: BOTH, photo: "cat-toys/scratcher.jpg", line: "A sisal post that is nicer than your armchair." },
    Product { id: 9, animal: Animal::Cat, kind: "Food", name: "All Sizes Cat Dry Food", sizes: BOTH, photo: "cat-food/cat.jpg", line: "A full bowl, at four in the morning if need be." },
    Product { id: 10, animal: Animal::Fish, kind: "Toy", name: "Mangrove Ornament", sizes: BOTH, photo: "fish-toys/mangrove.jpg", line: "Roots to hide in and shade to think in." },
    Product { id: 11, animal: Animal::Fish, kind: "Food", name: "All Sizes Fish Food", sizes: BOTH, photo: "fish-food/fish.jpg", line: "Flakes that float long enough to be noticed." },
];

/// The product of a number.
#[must_use]
pub fn product(id: u32) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.id == id)
}

/// A breed, which is no product: it leads to what suits it.
#[derive(Debug)]
pub struct Breed {
    /// What it is.
    pub animal: Animal,
    /// Its name.
    pub name: &'static str,
    /// Which products suit it.
    pub size: Size,
    /// One line about it.
    pub line: &'static str,
}

#[rustfmt::skip]
/// The breeds of the navigation.
pub static BREEDS: [Breed; 13] = [
    Breed { animal: Animal::Dog, name: "Labrador Retriever", size: Size::Large, line: "Carries everything, keeps nothing." },
    Breed { animal: Animal::Dog, name: "German Shepherd", size: Size::Large, line: "Has already checked the fence today." },
    Breed { animal: Animal::Dog, name: "Greyhound", size: Size::Large, line: "Very fast, very briefly, then asleep." },
    Breed { animal: Animal::Dog, name: "Bernese Mountain Dog", size: Size::Large, line: "A warm rug with a kind face." },
    Breed { animal: Animal::Dog, name: "Beagle", size: Size::Small, line: "Follows one nose, his own." },
    Breed { animal: Animal::Dog, name: "Dachshund", size: Size::Small, line: "Long in body, longer in patience. Or not." },
    Breed { animal: Animal::Dog, name: "Yorkshire Terrier", size: Size::Small, line: "Runs the house." },
    Breed { animal: Animal::Cat, name: "Maine Coon", size: Size::Large, line: "As big as the box it chose." },
    Breed { animal: Animal::Cat, name: "Ragdoll", size: Size::Large, line: "Folds up wherever you put it." },
    Breed { animal: Animal::Cat, name: "Siamese", size: Size::Small, line: "Will tell you about its day." },
    Breed { animal: Animal::Cat, name: "European Shorthair", size: Size::Small, line: "Seen at three doors, fed at each." },
    Breed { animal: Animal::Fish, name: "Goldfish", size: Size::Small, line: "Remembers more than they say." },
    Breed { animal: Animal::Fish, name: "Koi", size: Size::Large, line: "Calm, and in no hurry to be seen." },
];
