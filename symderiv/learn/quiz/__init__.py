"""The shape quiz: questions made by the engine, answers read liberally, progress kept, spaced repetition.

    from symderiv.learn.quiz.questions import quiz
    quiz(10, seed=1, level=2)                 ten questions
    from symderiv.learn.quiz.answers import judge
    judge(question, "n x d").right            True, False, or None where it says no answer

The way of a question: `expressions` makes a random expression, `cases` a derivative of a topic, `about_sizes`, `about_gradients`
and `about_passes` a question about it (`model` says what that is), `questions` a quiz; `numeric` confirms its key. The way of an
answer: `sizes` and `answers` read and judge it, `session` tells why, `progress` keeps it in a `database`, `schedule` says when to
ask again. For teachers: `export` (and `export_latex`, `export_moodle`, `export_anki` with formulas by `typeset`) and `grade`.
"""
