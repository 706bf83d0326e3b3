"""python -m eval.distances SOURCE [SOURCE ...]: see eval/distances/command.py."""

from eval.distances.command import main

if __name__ == "__main__":
    main()
