"""pages.py - run by devtools.py for pages.sh: a row for each kind of page. Arguments: the server, another
that wants a key, and a folder for pictures or nothing."""
base, locked, pictures = arguments  # noqa: F821

SAID = "document.getElementById('answer').innerText"
STATUS = "document.getElementById('status').textContent"
STRIP = "document.querySelector('.strip canvas')?.width"

# model, what texts are, expressions that become true
ROWS = [
    ("small", "Vila", ["document.querySelectorAll('.bars li').length === 12", SAID + ".includes('Vila')", STRIP + " === 5",
                       "document.querySelectorAll('.colored span').length === 4"]),
    ("wordy", "the cat", [SAID + ".includes('sat')", STRIP + " === 2"]),
    ("tagger", "the cat sat", ["[...document.querySelectorAll('.tag')].map(t => t.innerText.split('\\n').join('/')).join(' ') === 'the/D cat/N sat/V'",
                               STRIP + " === 3"]),
    ("pairs", "the cat", [SAID + ".includes('probability')", "document.querySelector('.strip h3').innerText.startsWith('a.weights')",
                          "document.querySelectorAll('.sides div').length === 2"]),
    ("levels", "", [SAID + ".includes('between')", SAID + ".includes('even')"]),
    ("air", "", ["document.querySelector('svg polygon.band').points.length === 12", "document.querySelectorAll('table tr').length === 6"]),
    ("pen", "", ["document.querySelectorAll('.bars li').length === 2", STRIP + " > 2"]),
    ("hand", "", ["document.querySelectorAll('svg path.stroke').length > 0"]),
    ("notes", "", [SAID + ".includes('up')", "document.body.innerText.includes('C4 E4 G4 C5')"]),
    ("tune", "", ["document.querySelectorAll('svg rect.note').length > 0"]),
    ("caption", "", [SAID + ".includes('probability')", "document.querySelector('img.preview').naturalWidth === 96",
                 "document.querySelectorAll('.look canvas.shade').length > 0 && document.querySelector('.look canvas').width === 4"]),
    ("film", "", ["document.querySelectorAll('.bars li').length === 2"]),
    ("hears", "", ["document.querySelector('.heard canvas').height === 10", "document.querySelectorAll('.heard canvas')[1].width > 10"]),
    ("speech", "", ["document.querySelector('#answer h2').innerText === 'text'", "document.querySelector('audio.preview') !== null"]),
]

# Form controls without a name, and what is wider than the window.
NAMELESS = """[...document.querySelectorAll('input, textarea, select, button')].filter(e => !e.hidden &&
  !(e.labels?.length || e.innerText || e.ariaLabel)).map(e => e.outerHTML).join(' ')"""
OVER = "document.documentElement.scrollWidth - innerWidth"
BACK = "getComputedStyle(document.documentElement).backgroundColor"


def check(what, fine):
    if not fine:
        raise SystemExit("FAILED: " + what)


browser.look(1000, "light")  # noqa: F821
b = browser  # noqa: F821
b.open(base + "/")
check("the list has all models", b.run("document.querySelectorAll('#models a').length") == len(ROWS))
for number, (model, text, wanted) in enumerate(ROWS):
    b.look(1000, "light")
    b.open(base + "/m/" + model + "?demo=" + text.replace(" ", "+"))
    for expression in wanted:
        b.wait(expression)
    check(model + ": " + b.run(STATUS), not b.run(STATUS))
    check(model + ": an error inside", b.run("document.querySelectorAll('.error').length") == 0)
    check(model + " has nameless controls: " + b.run(NAMELESS), not b.run(NAMELESS))
    light = b.run(BACK)
    for width, scheme in ((1000, "dark"), (400, "light")):
        b.look(width, scheme)
        check("%s is wider than %d by %d" % (model, width, b.run(OVER)), b.run(OVER) <= 0)
        check(model + " has no dark colours", (b.run(BACK) == light) == (scheme == "light"))
        if pictures:
            b.picture("%s/%s-%d-%s.png" % (pictures, model, width, scheme))

# By hand: a text is typed, a bar is pressed, the keyboard goes through.
b.look(1000, "light")
b.open(base + "/m/small")
b.run("document.querySelector('textarea').focus()")
b.type("Vi")
b.wait("document.querySelectorAll('.bars li').length === 12")
b.run("[...document.querySelectorAll('.bars button')].find(x => x.innerText !== 'the end').click()")
b.wait("document.querySelector('textarea').value.length === 3")
b.run("document.getElementById('seed').value = 5; document.getElementById('go').focus()")
b.key("Enter", 13, "\r")
b.wait("document.querySelector('#answer mark')?.textContent.length > 0 && document.getElementById('stop').hidden")
check("the answer is told to who listens", b.run("document.getElementById('answer').ariaLive") == "polite")
b.open(base + "/m/pairs?demo=the+cat")
b.wait("document.querySelector('mi.known')")
b.run("[...document.querySelectorAll('mi.known')].find(x => x.dataset.name === 's').focus()")
b.key("Enter", 13, "\r")
b.wait("document.getElementById('value').value === 's' && document.querySelector('.strip h3').innerText.startsWith('s,')")

# What is painted follows the colours: the middle of the palette is that of fields.
PAINTED = "[...document.querySelector('.strip canvas').getContext('2d').getImageData(0, 0, 1, 1).data].join()"
light = b.run(PAINTED)
b.look(1000, "dark")
b.wait(PAINTED + " !== '" + light + "'")
b.look(1000, "light")
b.wait(PAINTED + " === '" + light + "'")

# A pen: a stroke on the canvas; a recording by the (made-up) microphone.
b.open(base + "/m/pen")
box = b.run("(r => [r.left, r.top])(document.querySelector('canvas.pen').getBoundingClientRect())")
for kind, x, y in [("mousePressed", 40, 100)] + [("mouseMoved", 40 + 5 * i, 100 - 4 * i) for i in range(1, 12)] + [("mouseReleased", 95, 56)]:
    b.call("Input.dispatchMouseEvent", type=kind, x=box[0] + x, y=box[1] + y, button="left", buttons=1, clickCount=1)
b.wait("document.querySelectorAll('.bars li').length === 2")
b.open(base + "/m/speech")
press = "[...document.querySelectorAll('#inputs button')][0].click()"
b.run(press)
b.wait("document.querySelector('#inputs button').innerText === 'That was all'")
b.run("new Promise(done => setTimeout(done, 400))")
b.run(press)
b.wait("document.querySelector('audio.preview') !== null")
b.run("document.getElementById('go').click()")
b.wait("document.querySelector('#answer h2')")
b.open(base + "/m/speech")
press = "[...document.querySelectorAll('#inputs button')].find(x => ['Listen live', 'Stop listening'].includes(x.innerText)).click()"
b.run(press)
b.wait("+document.querySelector('.live').dataset.pieces >= 2")
b.run(press)
b.wait("document.querySelector('.live').dataset.ended === 'yes'")
check("listening: " + b.run(STATUS), not b.run(STATUS))
b.open(base + "/m/caption")
b.run("[...document.querySelectorAll('#inputs button')].find(x => x.innerText === 'Camera').click()")
b.wait("document.querySelector('#inputs video')?.videoWidth > 0")
b.run("document.querySelector('#inputs .drop div button').click()")
b.wait("document.querySelector('#inputs img')?.naturalWidth > 0")
check("complaints: " + "; ".join(b.complaints), not b.complaints)

# A server that wants a key: the page asks for it, until it is right.
b.call("Page.navigate", url=locked + "/m/small")
for key in ("wrong", "secret"):
    b.wait("document.getElementById('key').hidden === false")
    # The answer to a wrong key may be there before anybody looks, so what happens to the question is counted.
    b.run("window.turns = 0; new MutationObserver(() => window.turns++).observe(document.getElementById('key'), {attributes: true})")
    b.run("document.querySelector('#key input').value = '%s'; document.querySelector('#key button').click()" % key)
    b.wait("window.turns > 0")
b.wait("document.getElementById('key').hidden")
b.wait("document.querySelectorAll('.bars li').length === 12")
