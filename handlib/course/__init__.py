"""What every notebook of the course has in common: contract, exercise checks, quizzes, tables."""
