"""Common names, for text in which nothing is written with a capital.

Frequent given and family names of the United States, its states and largest cities, without those that are
everyday words.
"""

from __future__ import annotations

from compliance.vocabulary import word_set

GIVEN_NAMES = word_set(
    """
    aaron abigail adam adrian aisha alan albert alejandro alex alexander alexandra alexis alfred alice
    alicia alison allison amanda amber amelia amir amy ana andre andrea andrew angel angela anita ann
    anna anne annie anthony antonio arthur ashley audrey austin barbara beatrice ben benjamin bernard
    beth betty beverly brandon brenda brian bridget bruce bryan caleb cameron carl carla carlos carmen
    carol caroline carolyn catherine cathy charles charlotte cheryl chloe chris christian christina
    christine christopher cindy claire clara connie connor craig crystal curtis cynthia daniel
    danielle danny darren david deborah debra denise dennis derek diana diane diego dmitri donald
    donna doris dorothy douglas dylan edward eileen elaine eleanor elena eli elijah elizabeth ella
    ellen emily emma eric erica erin esther ethan eugene eva evan evelyn fatima felix fernando fiona
    florence frances francesca francis francisco gabriel gary george gerald gina gloria greg gregory
    hailey hannah harold harry heather hector helen henry howard hugo ian ingrid irene isaac isabel
    isabella ivan jackson jacob jacqueline jade jaime jake james jamie jane janet janice jared jasmine
    jason javier jean jeff jeffrey jennifer jenny jeremy jerry jesse jessica jesus jill jim jimmy joan
    joanna joe joel john johnny jonathan jordan jorge jose joseph joshua joyce juan juanita judith
    judy julia julian julie justin karen karl kate katherine kathleen kathryn kathy katie kayla keith
    kelly ken kenneth kevin kim kimberly kyle larry laura lauren laurie lawrence leah lee leo leonard
    leslie liam lillian linda lindsay lisa logan lori louis louise lucas lucia lucy luis luke lydia
    madison malik manuel marcus margaret maria marie marilyn mario marjorie martha martin marvin mary
    mason mateo matt matthew maureen megan mei melanie melissa mia michael michelle miguel mike
    mohammed molly monica nancy naomi natalie natasha nathan neil nicholas nicole nina noah nora norma
    olivia omar oscar owen pablo pamela patricia patrick paul paula pedro peggy penny peter philip
    phillip phyllis priya rachel ralph ramon raymond rebecca ricardo richard rick ricky rita robert
    roberto robin rodney roger ronald rosa roy russell ruth ryan sabrina sally sam samantha samuel
    sandra sanjay sara sarah scott sean sergio seth shannon sharon sheila shirley simon sofia sonia
    sophia sophie stacy stanley stephanie stephen steve steven stuart susan suzanne sylvia tamara
    tanya tara teresa terry theodore theresa thomas tiffany tim timothy tina todd tom tommy tony tracy
    travis tyler valerie vanessa veronica victor victoria vincent virginia walter wanda wayne wendy
    wesley william yolanda yvonne zachary zoe
    """
)

FAMILY_NAMES = word_set(
    """
    adams alexander allen alvarez anderson andrews armstrong bailey baker barnes bennett bradley
    brooks bryant butler campbell carlson carter castillo castro chang chavez chen clark cohen coleman
    collins cooper cruz davis diaz dixon duncan edwards ellis evans fernandez fisher fleming fletcher
    foster freeman garcia gibson gomez gonzales gonzalez goldberg graham griffin gupta gutierrez
    hamilton hansen hanson harris harrison harvey hawkins henderson hernandez hoffman howard hudson
    hughes hussain jackson jacobs jenkins jensen jimenez johnson johnston jones kaplan kelley kennedy
    khan kim kowalski kumar larson lawson lewis lopez marshall martinez mcdonald medina mendoza meyer
    miller mitchell montgomery moreno morgan morris morrison munoz murphy murray myers nelson nguyen
    novak obrien o'brien oconnor o'connor olson ortega ortiz owens palmer parker patel patterson perez
    perkins peters petersen peterson phillips powell ramirez ramos reynolds reyes richards richardson
    rivera roberts robertson robinson rodriguez rogers romero rosenberg ruiz ryan sanchez sanders
    schmidt schneider schwartz shah shaw silva simmons simpson singh smith snyder soto spencer stevens
    stewart sullivan taylor thompson thomson torres tran tucker turner vargas vasquez wagner walker
    wallace warren watson weber williams williamson wilson wong wright yamamoto yang zhang
    """
)

PLACES = word_set(
    """
    alabama alaska arizona arkansas california colorado connecticut delaware florida georgia hawaii
    idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts michigan
    minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon pennsylvania tennessee
    texas utah vermont virginia washington wisconsin wyoming atlanta austin baltimore boston chicago
    cincinnati cleveland columbus dallas denver detroit houston indianapolis jacksonville memphis
    miami milwaukee minneapolis nashville oakland omaha orlando philadelphia pittsburgh sacramento
    seattle springfield tampa tucson albuquerque brooklyn manhattan queens bronx london toronto boise
    portland
    """
)

TITLES = word_set("mr mrs ms miss dr doctor mister professor")
