"""A plan as a picture: phases below each other, barriers between them, memory beside them."""
