def latex(e): return repr(e)
