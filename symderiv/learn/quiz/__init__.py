"""The shape quiz: questions made by the engine, answers read liberally, progress kept, spaced repetition.

from symderiv.learn.quiz.questions import make, quiz
quiz(10, seed=1, level=2)             ten questions
from symderiv.learn.quiz.answers import judge
judge(question, "n x d").right        True, False or None where the answer cannot be read
"""
