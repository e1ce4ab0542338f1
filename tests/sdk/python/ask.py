"""What the suites ask the simulated providers, and what those then answer: they call the tools that a prompt
mentions, with the names in it as arguments, repeat what was asked or what tools gave back, and count images."""

TOPIC = "Tell me of the harbour in 80 words"
TOPIC_TOLD = "You asked: Tell me of the harbour"
# Long enough to show in the count of tokens: of a system prompt nothing else can be seen.
SYSTEM = "Answer as a harbour master would, briefly and to the point. " * 20

PARALLEL = "Explain with forecast, radar and tides what awaits Paris, Oslo and Lisbon"
CALLS = [("forecast", {"city": "Paris"}), ("radar", {"city": "Oslo"}), ("tides", {"city": "Lisbon"})]
RESULTS = ["rain from noon", "see the picture", "no such tide"]
TOOL_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

OUTPUT_SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["title", "count"],
    "additionalProperties": False,
}

# One grey pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
PICTURE_SEEN = "I see 1 image"
