"""Words and phrases that are nobody's keyword: what a model must stay silent for."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ConfigError

_WORDS = """
about above across address again against airport almost already also always animal another answer
apple april around arrive artist asleep autumn aunt awake bacon baker balance balloon banana basket
bathroom battery beautiful become before behind believe below beside better between beyond bicycle
birthday biscuit bitter blanket blossom borrow bottle bottom branch breakfast bridge bright bring
broken brother brown bucket building busy butter button cabbage cabin camera candle captain careful
carpet carrot castle catch ceiling century certain chair chance change cheap cheese cherry chicken
children chocolate choose circle city clever climb clock clothes cloud coffee collect colour comfort
company complete concert cooker copper corner cotton country couple course cousin cover cross crowd
cupboard curtain customer damage dance danger daughter december decide deep delicious dentist depend
describe desert dinner dirty discover distance doctor dollar double dream dress drive during early
earth easily easy eastern eleven empty energy enjoy enough enter evening every exam example except
exercise expect expensive explain eye face factory fall family famous farmer father favour february
field fifteen fifty film final find finger finish flower flying foggy food foreign forest forget
fork forty friday friend from front fruit funny furniture garden gather gentle giant glass gold
grandmother green ground group guess guitar hammer handle hard health heart heavy height helpful
history holiday honest hospital hotel hour hundred hungry husband idea important inside interest
iron island january jacket jelly journey juice july jungle kettle kitchen knife know ladder lake
language large laugh lawyer leather leave lemon letter library listen little long lucky lunch
machine magazine market marry maybe meal meat medicine meeting member middle midnight minute mirror
mistake modern monday money monkey month moon morning mother mountain mouth museum mushroom music
narrow nature near needle neighbour never nephew news night noise north nothing november number
nurse ocean october office often onion orange orchestra other outside over page paint palace paper
parent party pass pencil pepper perhaps person photograph piano picnic picture pillow planet plate
please pocket police polite potato present president pretty problem promise proud purple puzzle
quarter queen question quick quiet rabbit rather reason receive remember restaurant return rice
river roof round rubber salad sandwich saturday school science scissors season second secret seldom
sentence september seriously shadow sharp shirt shoulder sister skirt sleep slowly smell snow soap
soldier somebody sometimes soup south spoon spring square stamp station steal still stomach storm
strange strawberry street strong student sudden sugar summer sunday supper surprise sweater swim
table tailor teacher telephone temperature tennis terrible thank theatre thirsty thousand thunder
thursday ticket tiger tired together tomato tomorrow tonight towel traffic travel trousers tuesday
turn umbrella uncle under understand university until useful valley vegetable very village violin
visit voice wait walk wallet wash watch water weather wednesday weekend welcome western wheel white
wide window winter without woman wonderful wood world write yellow yesterday young
"""
_PHRASES = """
good morning everybody
could you pass me the salt please
i think it is going to rain later
where did you put the keys
that was a lovely dinner thank you
the train leaves at a quarter past
we should call your mother tonight
have you seen the newspaper anywhere
it is rather cold in here
let me think about it for a moment
he said he would be late again
the children are playing in the garden
what time does the shop open
i have never been to the mountains
she works at the hospital in town
do you want some more coffee
the weather was terrible yesterday
they are painting the kitchen
my brother lives near the river
this is the best soup i ever had
"""


def keyword_parts(keywords: Sequence[str]) -> set[str]:
    """The single words of words and phrases, in small letters."""
    return {word for keyword in keywords for word in keyword.lower().split()}


def unknown_texts(keywords: Sequence[str], texts: Sequence[str] = ()) -> list[str]:
    """Words and phrases that hold none of the keywords, words and phrases in turn.

    Args:
        keywords: Whatever the model is to fire at.
        texts: What to choose from; () takes English words and phrases.

    Raises:
        ConfigError: All of the texts hold keywords.
    """
    taken = keyword_parts(keywords)
    if texts:
        free = [text for text in texts if not taken & keyword_parts([text])]
        if not free:
            raise ConfigError("every other text holds a keyword; add some that hold none")
        return free
    words = [word for word in _WORDS.split() if word not in taken]
    phrases = [line for line in _PHRASES.split("\n") if line and not taken & set(line.split())]
    mixed = []
    for i, word in enumerate(words):
        mixed.append(word)
        if phrases and i % 4 == 3:
            mixed.append(phrases[(i // 4) % len(phrases)])
    return mixed
